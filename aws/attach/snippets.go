package attach

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portcullis/aws/discover"
)

// A plan as text, for those who keep their REST APIs in code: what they change by hand would be undone by their next
// deployment. Authorizer and permission are written as resources. The methods exist in that code already, under names
// that only its authors know; for them the text says what to set, as comments.

// Formats of a plan's text. FormatSAM is a CloudFormation template, which SAM templates may hold as it is: SAM's own form
// of an authorizer insists on an identity source, which turns anonymous callers away.
const (
	FormatCLI       = "cli"
	FormatSAM       = "sam"
	FormatTerraform = "terraform"
	FormatCDK       = "cdk"
)

// Formats in the order in which they are offered.
func Formats() []string { return []string{FormatCLI, FormatSAM, FormatTerraform, FormatCDK} }

// maxSnippetLines bounds a text; an answer of Lambda holds 6 MB.
const maxSnippetLines = 20000

// Snippet is what Run would do, as text. It changes nothing and reads nothing.
func (a *Attacher) Snippet(_ context.Context, apis []discover.API, w Wanted, format string) (text string, notes []string, err error) {
	if !slices.Contains(Formats(), format) {
		return "", nil, fmt.Errorf("unknown format %q: it is one of %s", format, strings.Join(Formats(), ", "))
	}
	f, err := parseFunction(w.FunctionARN)
	if err != nil {
		return "", nil, err
	}
	var plans []Plan
	for i := range apis {
		if apis[i].Protocol != "" {
			notes = append(notes, byHand(&apis[i], &w)...)
			continue
		}
		p := a.plan(&apis[i], &w)
		notes = append(append(notes, p.Notes...), p.Caching...)
		if !p.Empty() {
			plans = append(plans, p)
		}
	}
	if len(plans) == 0 {
		return "", notes, nil
	}
	s := snippet{a: a, f: f, plans: plans, arn: w.FunctionARN}
	var lines []string
	switch format {
	case FormatSAM:
		lines = s.sam()
	case FormatTerraform:
		lines = s.terraform()
	case FormatCDK:
		lines = s.cdk()
	default:
		for i := range plans {
			lines = append(lines, a.commands(&plans[i], w.FunctionARN)...)
		}
	}
	if len(lines) > maxSnippetLines {
		return "", notes, fmt.Errorf("the plan has %d lines, more than the %d that fit an answer: attach in steps, by binding fewer API groups at a time", len(lines), maxSnippetLines)
	}
	return strings.Join(lines, "\n") + "\n", notes, nil
}

type snippet struct {
	a     *Attacher
	f     function
	arn   string
	plans []Plan
}

// creates reports whether some plan makes an authorizer; only then is the permission part of the text.
func (s *snippet) creates() bool {
	return slices.ContainsFunc(s.plans, func(p Plan) bool { return p.Create })
}

// comment is one line of a comment: names come from the account, and must not end it.
func comment(mark, format string, args ...any) string {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, fmt.Sprintf(format, args...))
	return strings.TrimRight(mark+" "+text, " ")
}

// methods are the comments about methods and about what else is not a resource. how says what attaches a method in this
// format.
func (s *snippet) methods(mark string, p *Plan, how string) []string {
	var out []string
	for _, line := range p.Caching {
		out = append(out, comment(mark, "%s", line))
	}
	if p.Repair {
		out = append(out, comment(mark, "authorizer %s of %s: TTL %d seconds, identity source %q", p.Authorizer, p.API.Name, p.Cache.TTL, p.Cache.IdentitySource))
	}
	if p.Cache.TTL > 0 && p.API.Tags[discover.TagCaching] == "" {
		out = append(out, comment(mark, "REST API %s (%s): tag %s=true, so that kept answers can be discarded after a change", p.API.Name, p.API.ID, discover.TagCaching))
	}
	if len(p.Attach) > 0 {
		out = append(out, comment(mark, "REST API %s (%s), in each of these methods: %s", p.API.Name, p.API.ID, how))
		for _, st := range p.Attach {
			out = append(out, comment(mark, "  %s %s", st.Verb, st.Path))
		}
	}
	if len(p.Detach) > 0 {
		out = append(out, comment(mark, "REST API %s (%s), as it was before:", p.API.Name, p.API.ID))
		for _, st := range p.Detach {
			out = append(out, comment(mark, "  %s %s: authorization %s %s", st.Verb, st.Path, st.To.AuthorizationType, st.To.AuthorizerID))
		}
	}
	return out
}

// logicalID is a name of letters and digits.
func logicalID(api *discover.API) string {
	return "PortcullisAuthorizer" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, api.ID)
}

func (s *snippet) sam() []string {
	out := []string{"AWSTemplateFormatVersion: '2010-09-09'", "Resources:"}
	if !s.creates() {
		out = []string{"# No resource is missing."}
	}
	if s.creates() {
		out = append(out,
			"  PortcullisPermission:", "    Type: AWS::Lambda::Permission", "    Properties:",
			"      Action: lambda:InvokeFunction", "      FunctionName: "+strconv.Quote(s.arn), "      Principal: apigateway.amazonaws.com",
			"      SourceAccount: "+strconv.Quote(s.f.account), "      SourceArn: "+strconv.Quote(s.f.sourceARN()))
	}
	for i := range s.plans {
		p := &s.plans[i]
		ref := strconv.Quote(p.Authorizer)
		if p.Create {
			ref = "!Ref " + logicalID(p.API)
			out = append(out, comment("  #", "%s", p.API.Name), "  "+logicalID(p.API)+":", "    Type: AWS::ApiGateway::Authorizer", "    Properties:",
				"      Name: "+Name, "      Type: REQUEST", "      RestApiId: "+strconv.Quote(p.API.ID),
				"      AuthorizerUri: "+strconv.Quote(s.a.uri(s.arn)), fmt.Sprintf("      AuthorizerResultTtlInSeconds: %d", p.Cache.TTL))
			if p.Cache.IdentitySource != "" {
				out = append(out, "      IdentitySource: "+strconv.Quote(p.Cache.IdentitySource))
			}
		}
		out = append(out, s.methods("  #", p, "AuthorizationType: CUSTOM and AuthorizerId: "+ref)...)
	}
	return out
}

// hcl is a Terraform string: "${" and "%{" would begin a template.
func hcl(v string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(v))
}

// block is a Terraform resource in the form of "terraform fmt": the equals signs of neighbours stand below each other.
func block(kind, name string, attributes ...string) []string {
	width := 0
	for i := 0; i < len(attributes); i += 2 {
		width = max(width, len(attributes[i]))
	}
	out := []string{fmt.Sprintf("resource %q %q {", kind, name)}
	for i := 0; i+1 < len(attributes); i += 2 {
		out = append(out, fmt.Sprintf("  %-*s = %s", width, attributes[i], attributes[i+1]))
	}
	return append(out, "}", "")
}

func (s *snippet) terraform() []string {
	var out []string
	if s.creates() {
		attributes := []string{"statement_id", hcl(statementID), "action", hcl("lambda:InvokeFunction"), "function_name", hcl(s.f.name)}
		if s.f.qualifier != "" {
			attributes = append(attributes, "qualifier", hcl(s.f.qualifier))
		}
		out = append(out, block("aws_lambda_permission", "portcullis",
			append(attributes, "principal", hcl("apigateway.amazonaws.com"), "source_account", hcl(s.f.account), "source_arn", hcl(s.f.sourceARN()))...)...)
	}
	for i := range s.plans {
		p := &s.plans[i]
		ref := hcl(p.Authorizer)
		if p.Create {
			name := strings.ToLower(strings.Replace(logicalID(p.API), "PortcullisAuthorizer", "portcullis_", 1))
			ref = "aws_api_gateway_authorizer." + name + ".id"
			out = append(out, comment("#", "%s", p.API.Name))
			// The provider's default identity source is the Authorization header: it has to be emptied by name.
			out = append(out, block("aws_api_gateway_authorizer", name, "name", hcl(Name), "type", hcl("REQUEST"), "rest_api_id", hcl(p.API.ID),
				"authorizer_uri", hcl(s.a.uri(s.arn)), "authorizer_result_ttl_in_seconds", strconv.Itoa(p.Cache.TTL), "identity_source", hcl(p.Cache.IdentitySource))...)
		}
		out = append(out, s.methods("#", p, `authorization = "CUSTOM" and authorizer_id = `+ref)...)
		out = append(out, "")
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func (s *snippet) cdk() []string {
	out := []string{"import { aws_apigateway as apigateway, aws_lambda as lambda } from 'aws-cdk-lib';", "import { Construct } from 'constructs';", "",
		"export function attachPortcullis(scope: Construct): void {"}
	if s.creates() {
		out = append(out, "  new lambda.CfnPermission(scope, 'PortcullisPermission', {", "    action: 'lambda:InvokeFunction',", "    functionName: "+strconv.Quote(s.arn)+",",
			"    principal: 'apigateway.amazonaws.com',", "    sourceAccount: "+strconv.Quote(s.f.account)+",", "    sourceArn: "+strconv.Quote(s.f.sourceARN())+",", "  });")
	}
	for i := range s.plans {
		p := &s.plans[i]
		ref := strconv.Quote(p.Authorizer)
		if p.Create {
			id := logicalID(p.API)
			name := strings.ToLower(id[:1]) + id[1:]
			ref = name + ".ref"
			out = append(out, comment("  //", "%s", p.API.Name), "  const "+name+" = new apigateway.CfnAuthorizer(scope, "+strconv.Quote(id)+", {",
				"    name: "+strconv.Quote(Name)+",", "    type: 'REQUEST',", "    restApiId: "+strconv.Quote(p.API.ID)+",", "    authorizerUri: "+strconv.Quote(s.a.uri(s.arn))+",",
				fmt.Sprintf("    authorizerResultTtlInSeconds: %d,", p.Cache.TTL))
			if p.Cache.IdentitySource != "" {
				out = append(out, "    identitySource: "+strconv.Quote(p.Cache.IdentitySource)+",")
			}
			out = append(out, "  });")
		}
		out = append(out, s.methods("  //", p, "const m = method.node.defaultChild as apigateway.CfnMethod; m.authorizationType = 'CUSTOM'; m.authorizerId = "+ref+";")...)
	}
	return append(out, "}")
}
