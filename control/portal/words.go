package portal

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"
)

type moment = time.Time

// clock says how long ago something was.
type clock struct{ now time.Time }

func (c clock) ago(m moment) string {
	d := c.now.Sub(m)
	switch {
	case d < time.Minute:
		return "less than a minute ago"
	case d < 2*time.Minute:
		return "a minute ago"
	case d < time.Hour:
		return fmt.Sprintf("%d minutes ago", d/time.Minute)
	case d < 2*time.Hour:
		return "an hour ago"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", d/time.Hour)
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days ago", d/(24*time.Hour))
	}
	return m.UTC().Format("2 January 2006")
}

// in is a path inside a workspace.
func in(workspace string, elements ...string) templ.SafeURL {
	var b strings.Builder
	b.WriteString("/app/")
	b.WriteString(url.PathEscape(workspace))
	for _, e := range elements {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(e))
	}
	return templ.SafeURL(b.String())
}

// with adds query members (name, value, …) to an address; members without a value are left out.
func with(address templ.SafeURL, pairs ...string) templ.SafeURL {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return address
	}
	return address + templ.SafeURL("?"+q.Encode())
}

func itoa(n int) string { return strconv.Itoa(n) }

// count writes a number with its noun: "1 API", "2 APIs".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func nameOr(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

func initial(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	if size == 0 {
		return "?"
	}
	return strings.ToUpper(string(r))
}

var hexColour = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// colourOr is a workspace's colour where it is one; what comes from elsewhere is not written into a page.
func colourOr(value string) string {
	if hexColour.MatchString(value) {
		return value
	}
	return "#007FFF"
}

func noteIcon(kind string) string {
	switch kind {
	case "good":
		return "disc"
	case "info":
		return "info"
	}
	return "warn"
}

// noteRole lets a screen reader read a problem at once and the rest when it is idle.
func noteRole(kind string) string {
	if kind == "bad" {
		return "alert"
	}
	return "status"
}

// languageName is a policy language as the portal calls it.
func languageName(wire string) string {
	switch wire {
	case "cloudentity":
		return "Visual"
	case "rego":
		return "REGO"
	case "cedar":
		return "CEDAR"
	}
	return wire
}

// gatewayTypeName is a gateway type as the tile of ADD GATEWAY calls it.
func gatewayTypeName(wire string) string {
	if wire == "aws" {
		return "Amazon API Gateway"
	}
	return wire
}

// sentence starts with a capital: admin's messages are written to be put into others.
func sentence(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// pathEscape escapes an identifier for a path or a fragment.
func pathEscape(s string) templ.SafeURL { return templ.SafeURL(url.PathEscape(s)) }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func i64(n int64) string { return strconv.FormatInt(n, 10) }

// average is the mean duration of one decision.
func average(sum time.Duration, n int64) string {
	if n == 0 {
		return "–"
	}
	return nameOr(took((sum/time.Duration(n)).Microseconds(), 0), "< 0.01 ms")
}
