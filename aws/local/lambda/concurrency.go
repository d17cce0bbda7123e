package lambda

// accountConcurrency is how many invocations of one account and region may run at once; reserving leaves 100 of it.
const accountConcurrency = 1000

func putConcurrency(c *call) (reply, error) {
	var in struct{ ReservedConcurrentExecutions *int }
	if err := c.body(&in); err != nil {
		return reply{}, err
	}
	f, _, err := c.one("PutFunctionConcurrency")
	if err != nil {
		return reply{}, err
	}
	if in.ReservedConcurrentExecutions == nil {
		return reply{}, constraint("null", "reservedConcurrentExecutions", "Member must not be null")
	}
	n := *in.ReservedConcurrentExecutions
	if n < 0 {
		return reply{}, constraint("negative", "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	left := accountConcurrency
	for _, other := range c.s.functions {
		if other != f && other.account == f.account && other.region == f.region && other.reserved != nil {
			left -= *other.reserved
		}
	}
	if n > left-100 {
		return reply{}, invalidValue("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	}
	f.reserved = &n
	return reply{200, map[string]int{"ReservedConcurrentExecutions": n}}, nil
}

func getConcurrency(c *call) (reply, error) {
	f, _, err := c.one("GetFunctionConcurrency")
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	out := map[string]int{}
	if f.reserved != nil {
		out["ReservedConcurrentExecutions"] = *f.reserved
	}
	return reply{200, out}, nil
}

func deleteConcurrency(c *call) (reply, error) {
	f, _, err := c.one("DeleteFunctionConcurrency")
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f.reserved = nil
	return reply{status: 204}, nil
}
