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

// totalCode is the storage for deployment packages that AWS gives an account in a region. It is reported, not enforced.
const totalCode = 80_530_636_800

// getAccountSettings shows the limits of the account in this region and what it uses of them.
func getAccountSettings(c *call) (reply, error) {
	if err := c.Allow("lambda:GetAccountSettings", "*", nil); err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	free, functions, size := accountConcurrency, 0, int64(0)
	for _, f := range c.s.functions {
		if f.account != c.Account || f.region != c.Region {
			continue
		}
		functions++
		size += f.latest.code.size
		for _, v := range f.versions {
			size += v.code.size
		}
		if f.reserved != nil {
			free -= *f.reserved
		}
	}
	return reply{200, map[string]any{
		"AccountLimit": map[string]any{"TotalCodeSize": int64(totalCode), "CodeSizeUnzipped": maxUnzipped, "CodeSizeZipped": maxZip,
			"ConcurrentExecutions": accountConcurrency, "UnreservedConcurrentExecutions": free},
		"AccountUsage": map[string]any{"TotalCodeSize": size, "FunctionCount": functions},
	}}, nil
}
