package signed

import "strings"

// endpoint is the base URL of a service: AWS_ENDPOINT_URL_{SERVICE}, else AWS_ENDPOINT_URL, else the public one of the
// region ("AWS SDKs and Tools Reference Guide", Service-specific endpoints).
func (c *Client) endpoint(service string) string {
	specific := map[string]string{"apigateway": "API_GATEWAY", "secretsmanager": "SECRETS_MANAGER"}[service]
	if specific == "" {
		specific = strings.ToUpper(service)
	}
	if c.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != "true" {
		for _, name := range [...]string{"AWS_ENDPOINT_URL_" + specific, "AWS_ENDPOINT_URL"} {
			if u := c.Getenv(name); u != "" {
				return strings.TrimSuffix(u, "/")
			}
		}
	}
	return "https://" + service + "." + c.Region + "." + DNSSuffix(c.Region)
}

// partitions: name and DNS suffix by the region's prefix; the first one is the default.
var partitions = []struct{ prefix, name, suffix string }{
	{"", "aws", "amazonaws.com"},
	{"cn-", "aws-cn", "amazonaws.com.cn"},
	{"us-gov-", "aws-us-gov", "amazonaws.com"},
	{"us-iso-", "aws-iso", "c2s.ic.gov"},
	{"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
	{"eusc-", "aws-eusc", "amazonaws.eu"},
}

// Partition is the partition of a region: "aws", "aws-cn", "aws-us-gov", …
func Partition(region string) string {
	for _, p := range partitions[1:] {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return partitions[0].name
}

// DNSSuffix is the domain under which a region's endpoints live.
func DNSSuffix(region string) string {
	for _, p := range partitions[1:] {
		if strings.HasPrefix(region, p.prefix) {
			return p.suffix
		}
	}
	return partitions[0].suffix
}

// APIGatewayAction names the IAM action and resource of a call to API Gateway's management API: HTTP verbs as actions,
// ARNs without an account ("Actions, resources, and condition keys for Amazon API Gateway Management").
func (c *Client) APIGatewayAction(method, path string) string {
	return "apigateway:" + method + " on arn:" + Partition(c.Region) + ":apigateway:" + c.Region + "::" + path
}
