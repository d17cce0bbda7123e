// Package api is the JSON surface: the admin API at /api/admin/{tid} and the system API at /api/system/{tid}, with the
// paths, names and statuses of the published ACP contract.
//
// It reads a request into a noun, calls one verb of package admin with the actor, and writes the answer; it authorises
// nothing and knows no SQL. Requests are read strictly (unknown members are refused by name), but a body that was read
// from here may be sent back as it is: read-only members are accepted and ignored, and members of the published contract
// that this server has no use for may come empty.
package api
