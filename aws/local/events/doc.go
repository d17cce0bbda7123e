// Package events is the local AWS's EventBridge: rules with a schedule on the default bus, their targets, and the
// scheduler that invokes them. Rules with an event pattern, other buses and targets other than Lambda functions do not
// exist here; they are refused when they are put.
//
// The scheduler runs on the injected clock: Tick looks at the time and fires what is due, and Run calls Tick once a
// second.
package events
