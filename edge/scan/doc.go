// Package scan reads a JSON text front to back into Go variables, without reflection and without copying its strings.
//
// encoding/json learns the shape of a type when it first meets one, which is a good part of a cold start, and walks it
// by reflection ever after. The two texts whose shape never changes while somebody waits, an event and a configuration,
// are read with this package instead.
//
// It owns the grammar. It leaves the meaning to its callers, and everything unusual to encoding/json: a text that is not
// plain (a duplicate member, a name that fits in another case, invalid UTF-8, a type that is not expected, a syntax
// error) fails here without a reason, and the caller reads it again with encoding/json, which decides. So this package
// never has to agree with encoding/json on what is wrong, only on what the plain means; fuzz tests hold it to that.
package scan
