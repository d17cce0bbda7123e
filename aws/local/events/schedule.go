package events

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// schedule is a parsed ScheduleExpression: a rate, or a cron expression in UTC.
type schedule struct {
	every time.Duration // of rate(…); 0 for cron
	cron  cron
}

var rateForm = regexp.MustCompile(`^rate\(([1-9][0-9]*) (minute|minutes|hour|hours|day|days)\)$`)

// parseSchedule reads rate(value unit) and cron(minute hour day-of-month month day-of-week year). A value of 1 goes with
// the singular unit and every other with the plural, as EventBridge demands.
func parseSchedule(s string) (schedule, error) {
	if m := rateForm.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		plural := strings.HasSuffix(m[2], "s")
		if err != nil || (n == 1) == plural || n > 100_000 {
			return schedule{}, fmt.Errorf("%q: a rate is 1 minute, 5 minutes, 1 hour …", s)
		}
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(m[2], "s")]
		return schedule{every: time.Duration(n) * unit}, nil
	}
	inner, ok := strings.CutPrefix(s, "cron(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return schedule{}, fmt.Errorf("%q is neither rate(…) nor cron(…)", s)
	}
	c, err := parseCron(inner)
	return schedule{cron: c}, err
}

// cron is six sets. Days of month and week beyond plain sets (L, W, #) are rules of their own.
type cron struct {
	minute, hour, month, year set
	day, weekday              set // weekday 1 is Sunday
	anyDay, anyWeekday        bool
	lastDay                   bool // L
	nearest                   int  // 15W: the weekday nearest to the 15th; 0: none
	lastWeekday               int  // 6L: the last Friday; 0: none
	nth, nthWeekday           int  // 6#3: the third Friday; 0: none
}

type set map[int]bool

var (
	months   = map[string]int{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
	weekdays = map[string]int{"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
)

func parseCron(s string) (cron, error) {
	var c cron
	f := strings.Fields(strings.ToUpper(s))
	if len(f) != 6 {
		return c, fmt.Errorf("cron(%s) has %d fields, not six", s, len(f))
	}
	if (f[2] == "?") == (f[4] == "?") {
		return c, errors.New("exactly one of day-of-month and day-of-week is ?")
	}
	var err error
	read := func(into *set, text string, low, high int, names map[string]int) {
		if err == nil {
			*into, err = parseSet(text, low, high, names)
		}
	}
	read(&c.minute, f[0], 0, 59, nil)
	read(&c.hour, f[1], 0, 23, nil)
	read(&c.month, f[3], 1, 12, months)
	read(&c.year, f[5], 1970, 2199, nil)
	switch {
	case f[2] == "?":
		c.anyDay = true
	case f[2] == "L":
		c.lastDay = true
	case strings.HasSuffix(f[2], "W"):
		if c.nearest, err = strconv.Atoi(f[2][:len(f[2])-1]); err == nil && (c.nearest < 1 || c.nearest > 31) {
			err = errors.New("a day before W is 1 to 31")
		}
	default:
		read(&c.day, f[2], 1, 31, nil)
	}
	if err != nil {
		return c, err
	}
	switch day, nth, hash := strings.Cut(f[4], "#"); {
	case f[4] == "?":
		c.anyWeekday = true
	case f[4] == "L":
		c.weekday = set{7: true}
	case hash:
		c.nthWeekday, err = oneValue(day, 1, 7, weekdays)
		if err == nil {
			c.nth, err = oneValue(nth, 1, 5, nil)
		}
	case strings.HasSuffix(f[4], "L"):
		c.lastWeekday, err = oneValue(f[4][:len(f[4])-1], 1, 7, weekdays)
	default:
		read(&c.weekday, f[4], 1, 7, weekdays)
	}
	return c, err
}

func oneValue(s string, low, high int, names map[string]int) (int, error) {
	n, ok := names[s]
	if !ok {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			return 0, fmt.Errorf("%q is not a number", s)
		}
	}
	if n < low || n > high {
		return 0, fmt.Errorf("%d is not within %d to %d", n, low, high)
	}
	return n, nil
}

// parseSet reads lists of *, values, ranges and steps: "0/5", "1-5", "MON-FRI", "1,15".
func parseSet(s string, low, high int, names map[string]int) (set, error) {
	out := set{}
	for _, part := range strings.Split(s, ",") {
		base, step, stepped := strings.Cut(part, "/")
		from, to, by := low, high, 1
		var err error
		if stepped {
			if by, err = oneValue(step, 1, high, nil); err != nil {
				return nil, err
			}
		}
		if base != "*" {
			first, last, ranged := strings.Cut(base, "-")
			if from, err = oneValue(first, low, high, names); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = oneValue(last, low, high, names); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		if from > to {
			return nil, fmt.Errorf("%q runs backwards", part)
		}
		for v := from; v <= to; v += by {
			out[v] = true
		}
	}
	return out, nil
}

// matches says whether the expression names the minute t (UTC).
func (c *cron) matches(t time.Time) bool {
	t = t.UTC()
	if !c.minute[t.Minute()] || !c.hour[t.Hour()] || !c.month[int(t.Month())] || !c.year[t.Year()] {
		return false
	}
	last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	weekday := int(t.Weekday()) + 1
	switch {
	case c.anyDay:
		switch {
		case c.nth > 0:
			return weekday == c.nthWeekday && (t.Day()-1)/7+1 == c.nth
		case c.lastWeekday > 0:
			return weekday == c.lastWeekday && t.Day()+7 > last
		}
		return c.weekday[weekday]
	case c.lastDay:
		return t.Day() == last
	case c.nearest > 0:
		return c.nearest <= last && t.Day() == nearestWeekday(t.Year(), t.Month(), c.nearest, last)
	}
	return c.day[t.Day()]
}

// nearestWeekday is the day of the month that is Monday to Friday and nearest to day, without leaving the month.
func nearestWeekday(year int, month time.Month, day, last int) int {
	switch time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == last {
			return day - 2
		}
		return day + 1
	}
	return day
}
