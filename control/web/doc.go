// Package web is what every HTTP surface of the control plane shares: the one log line per request, security headers
// and the CSP nonce, the session cookie, the JSON error body, and strict decoding of JSON requests.
//
// It knows no verb and no noun beyond control.Error; who may do what is decided in package admin, what a path means in
// the surfaces api, oauth and portal.
package web
