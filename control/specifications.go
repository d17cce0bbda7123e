package control

// SpecificationImport is an OpenAPI document to make the APIs of a service from.
type SpecificationImport struct {
	Text   []byte
	Source string // where it came from, for the audit: a file's name; may be empty
	DryRun bool   // say what would change, and change nothing
}

// SpecificationResult is the answer of an import: what it changed, or would change. Policies and scopes are neither made
// nor removed: a document says nothing of them here.
type SpecificationResult struct {
	CreatedAPIs        []API    `json:"created_apis"` // new ones, and those that return with the policy they had
	CreatedPolicies    []Policy `json:"created_policies"`
	CreatedScopes      []Scope  `json:"created_scopes"`
	RemovedAPIs        []API    `json:"removed_apis"`
	RemovedPolicies    []Policy `json:"removed_policies"`
	NotRemovedPolicies []Policy `json:"not_removed_policies"` // of the APIs that were removed or set aside
	// SetAsideAPIs had a policy and are not in the document: they are in no list and no configuration, and come back with
	// their policy when the document has them again, or when a group that has them is bound. Additive.
	SetAsideAPIs  []API `json:"set_aside_apis"`
	UnchangedAPIs int   `json:"number_of_unchanged_apis"` // additive
	DryRun        bool  `json:"dry_run"`                  // additive
}
