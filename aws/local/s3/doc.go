// Package s3 is the local AWS's S3: buckets and objects in memory, whole objects only, with ETags, conditional reads and
// writes, ranges and listings. It has no versions, no multipart uploads, no bucket policies and no ACLs; a bucket can be
// used by its own account alone. What is asked for and is not here answers 501.
package s3
