package policy

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the Lambda runtime has no zone files; 450 KB, read only when a policy names a zone

	"portcullis/edge/waist"
)

// timeStep holds on some days and between two times of day in one zone. from is included, to is not; from later than
// to means over midnight, and then the day is the one on which the moment itself falls.
type timeStep struct {
	zone     *time.Location
	days     [7]bool // by time.Weekday
	hours    bool
	from, to int // minutes of the day
	src      string
}

type timeConf struct {
	Zone string   `json:"zone"`
	Days []string `json:"days"`
	From string   `json:"from"`
	To   string   `json:"to"`
}

var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

func compileTime(v *waist.Validator, at string, ps *problems) step {
	var conf timeConf
	if err := decodeConf(v.Conf, &conf); err != nil {
		ps.add(at+".conf", "%v", err)
		return nil
	}
	s := &timeStep{zone: time.UTC, src: fmt.Sprintf("%s %s-%s %s", strings.Join(conf.Days, ","), conf.From, conf.To, conf.Zone)}
	before := len(ps.list)
	if conf.Zone != "" {
		zone, err := time.LoadLocation(conf.Zone)
		if err != nil || conf.Zone == "Local" {
			ps.add(at+".conf.zone", "%q is not a time zone such as Europe/Berlin or UTC", conf.Zone)
		} else {
			s.zone = zone
		}
	}
	for i, d := range conf.Days {
		day, ok := weekdays[d]
		if !ok {
			ps.add(fmt.Sprintf("%s.conf.days[%d]", at, i), "%q is not a day; days are mon, tue, wed, thu, fri, sat and sun", d)
			continue
		}
		s.days[day] = true
	}
	if len(conf.Days) == 0 {
		s.days = [7]bool{true, true, true, true, true, true, true}
	}
	switch {
	case conf.From != "" || conf.To != "":
		s.hours = true
		var okFrom, okTo bool
		s.from, okFrom = parseClock(conf.From)
		s.to, okTo = parseClock(conf.To)
		if !okFrom {
			ps.add(at+".conf.from", "%q is not a time of day such as 08:30", conf.From)
		}
		if !okTo || s.to == 0 {
			ps.add(at+".conf.to", "%q is not a time of day such as 17:00; the end of the day is 24:00", conf.To)
		}
		if okFrom && okTo && s.from == s.to {
			ps.add(at+".conf.to", "from and to are the same; leave both out for the whole day")
		}
	case len(conf.Days) == 0:
		ps.add(at+".conf", "there are neither days nor hours")
	}
	if len(ps.list) > before {
		return nil
	}
	return s
}

// parseClock reads "HH:MM" as minutes; 24:00 is the end of the day.
func parseClock(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range [...]int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return h*60 + m, m < 60 && h*60+m <= 24*60
}

func (s *timeStep) eval(e *env) outcome {
	t := e.now.In(s.zone)
	if !s.days[t.Weekday()] {
		return no
	}
	if !s.hours {
		return yes
	}
	m := t.Hour()*60 + t.Minute()
	if s.from < s.to {
		return outcomeOf(m >= s.from && m < s.to)
	}
	return outcomeOf(m >= s.from || m < s.to)
}

func (s *timeStep) constant() (outcome, bool) { return unknown, false }

func (s *timeStep) trace(e *env, at string) Step {
	out := Step{Path: at, Outcome: shown(s.eval(e))}
	where := "is outside"
	if out.Outcome == Holds {
		where = "is within"
	}
	out.Message = fmt.Sprintf("the time %s %s %s", e.now.In(s.zone).Format("Mon 15:04 MST"), where, strings.TrimSpace(s.src))
	return out
}
