// Package portaltest drives the portal's pages in a real browser, for the tests of control/portal and of cmd/demo: a tab
// that clicks what a person would call by its name, fails with what the page says, and runs axe-core. It knows nothing of
// what the pages are for.
package portaltest
