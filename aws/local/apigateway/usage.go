package apigateway

import (
	"slices"
	"time"
)

// keptDays is how far back the use of a key is known, and the longest range that may be asked for.
const keptDays = 90

const dayForm = "2006-01-02"

// dayUse is one key's use of a quota on one day.
type dayUse struct{ used, remaining int }

// note adds requests to today. The caller holds the lock of the counter's throttles.
func (c *counter) note(now time.Time, requests, remaining int) {
	if c.days == nil {
		c.days = map[string]dayUse{}
	}
	today := now.Format(dayForm)
	c.days[today] = dayUse{c.days[today].used + requests, remaining}
	oldest := now.AddDate(0, 0, -keptDays).Format(dayForm)
	for day := range c.days {
		if day < oldest {
			delete(c.days, day)
		}
	}
}

// use lists a key's use of a quota for each day from start to end: requests of the day, requests left at its end.
func (t *throttles) use(name string, q *quotaSettings, start, end time.Time) [][2]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var days map[string]dayUse
	if c := t.counts[name]; c != nil {
		days = c.days
	}
	remaining := q.Limit
	out := [][2]int{}
	for d := periodStart(start, q.Period); !d.After(end); d = d.AddDate(0, 0, 1) {
		if d.Equal(periodStart(d, q.Period)) {
			remaining = q.Limit
		}
		u, ok := days[d.Format(dayForm)]
		if ok {
			remaining = u.remaining
		}
		if !d.Before(start) {
			out = append(out, [2]int{u.used, remaining})
		}
	}
	return out
}

// getUsage shows how the keys of a plan used its quota. Without a quota nothing is counted.
func (s *Service) getUsage(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	start, errStart := time.Parse(dayForm, q.query.Get("startDate"))
	end, errEnd := time.Parse(dayForm, q.query.Get("endDate"))
	if errStart != nil || errEnd != nil || end.Before(start) || end.Sub(start) > keptDays*24*time.Hour {
		return nil, badRequest("Invalid startDate or endDate specified. They must be dates as 2006-01-02, at most 90 days apart")
	}
	only := q.query.Get("keyId")
	if only != "" && !slices.Contains(p.keys, only) {
		return nil, notFound("Invalid Usage Plan Key specified")
	}
	shown := map[string]string{}
	for _, id := range p.keys {
		if p.Quota != nil && (only == "" || only == id) {
			shown[id] = id
		}
	}
	paged, err := page(q, shown, func(id string) any { return id })
	if err != nil {
		return nil, err
	}
	out := paged.(map[string]any)
	values := map[string]any{}
	for _, id := range out["item"].([]any) {
		values[id.(string)] = s.traffic.use("plan/"+p.ID+"/"+id.(string), p.Quota, start, end)
	}
	delete(out, "item")
	out["usagePlanId"], out["startDate"], out["endDate"], out["values"] = p.ID, q.query.Get("startDate"), q.query.Get("endDate"), values
	return out, nil
}

// setRemaining gives a key what is left of its quota in this period. It may be more than the quota: an extension.
func (t *throttles) setRemaining(name string, q *quotaSettings, remaining int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now().UTC()
	c := t.counts[name]
	if c == nil {
		c = &counter{}
		t.counts[name] = c
	}
	c.since, c.used = periodStart(now, q.Period), q.Limit-remaining
	c.note(now, 0, remaining)
}

// updateUsage grants a key an extension of its quota, or takes away: what is left until the period ends.
func (s *Service) updateUsage(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	key := q.params["key_id"]
	if !slices.Contains(p.keys, key) {
		return nil, notFound("Invalid Usage Plan Key specified")
	}
	if p.Quota == nil {
		return nil, badRequest("Usage Plan " + p.ID + " does not have a quota")
	}
	remaining := -1
	if err := q.patch([]patchRule{setInt("/remaining", &remaining)}); err != nil {
		return nil, err
	}
	name := "plan/" + p.ID + "/" + key
	if remaining >= 0 {
		s.traffic.setRemaining(name, p.Quota, remaining)
	}
	today := s.opt.Now().UTC().Format(dayForm)
	day, _ := time.Parse(dayForm, today) // it was formatted so
	return map[string]any{"usagePlanId": p.ID, "startDate": today, "endDate": today, "values": map[string]any{key: s.traffic.use(name, p.Quota, day, day)}}, nil
}
