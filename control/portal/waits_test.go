package portal

import (
	"testing"

	"portcullis/control"
	"portcullis/edge/waist"
)

func TestWaitsFor(t *testing.T) {
	group := func(api, stage, service, authorizer string) control.APIGroup {
		return control.APIGroup{ID: waist.GroupID(api, stage), ServiceID: service,
			Metadata: waist.GroupMetadata{Type: waist.GatewayTypeAWS, AWS: &waist.AWSMetadata{APIID: api, Stage: stage}},
			APIs:     []waist.GatewayAPI{{Method: "GET", Path: "/", Authorizer: authorizer}}}
	}
	gone := group("abc123", "old", "", "")
	gone.Gone = true
	const hint = " of the same REST API: connect "
	for name, c := range map[string]struct {
		g      control.APIGroup
		others []control.APIGroup
		want   string
	}{
		"alone":                    {group("abc123", "dev", "s1", waist.AuthorizerNone), nil, ""},
		"not connected":            {group("abc123", "dev", "", waist.AuthorizerNone), []control.APIGroup{group("abc123", "prod", "", "")}, ""},
		"another stage is missing": {group("abc123", "dev", "s1", waist.AuthorizerNone), []control.APIGroup{group("abc123", "prod", "", "")}, "Waits for stage prod" + hint + "it"},
		"two are missing":          {group("abc123", "dev", "s1", ""), []control.APIGroup{group("abc123", "prod", "", ""), group("abc123", "test", "", "")}, "Waits for stages prod, test" + hint + "them"},
		"attached already":         {group("abc123", "dev", "s1", waist.AuthorizerOurs), []control.APIGroup{group("abc123", "prod", "", "")}, ""},
		"all are connected":        {group("abc123", "dev", "s1", ""), []control.APIGroup{group("abc123", "prod", "s2", "")}, ""},
		"another REST API":         {group("abc123", "dev", "s1", ""), []control.APIGroup{group("def456", "prod", "", "")}, ""},
		"a stage that is gone":     {group("abc123", "dev", "s1", ""), []control.APIGroup{gone}, ""},
	} {
		got := waitsFor(c.g, append(c.others, c.g))
		if c.want == "" && got != "" || len(got) < len(c.want) || got[:len(c.want)] != c.want {
			t.Errorf("%s: %q, want %q…", name, got, c.want)
		}
	}
}
