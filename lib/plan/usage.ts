export const USAGE = `Usage: npx faas-cache-dict plan FILE --key=FIELD --bytes=FIELD [options]

Simulates caches of several budgets on a log, and prints the hit rate of each.
FILE is a path, or - for standard input. It may be compressed by gzip.

  --key=FIELD        the key of an entry; a.b is the field b in a; method,path joins two
  --bytes=FIELD      the bytes of a value, or one size for all, such as 2K
  --time=FIELD       ISO 8601, or seconds or milliseconds since 1970
  --ttl=5m           how long an entry lives, or a field with seconds; default: forever
  --scale=2          multiplies the bytes: a parsed value takes more memory than its text
  --instances=20     so many instances share the requests, each with a cache; default: 1
  --recycle=20m      a new instance replaces each one after this time
  --budgets=16M,64M  these budgets only
  --max-entry=1M     larger entries are not stored, as with maxEntrySizeBytes
  --format=FORMAT    json (one object a line), csv or common; default: as the first lines look
  --svg=FILE         writes a chart
  --help             prints this

A common or combined access log has the fields host, user, time, method, path, status, bytes,
referer and agent. Their defaults: --key=path, --bytes=bytes, --time=time.
`
