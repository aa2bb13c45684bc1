---@meta pghost.native.conn
-- luacheck: ignore 212 241
-- The native PostgreSQL connection. Scripts mostly use `pghost.connection`, which raises errors.
--
-- Failures of the outside world are returned as `nil, message, code`: message in lower case, with
-- the server's DETAIL, HINT and CONTEXT on lines of their own; code is the SQLSTATE, "08006" when
-- the connection is lost, "interrupted" after a signal. Misuse raises.

local conn = {}

---@alias pghost.Value string|number|boolean|nil

--- Connects. The message never holds a password, nor any part of a string that cannot be read.
--- Defaults that the string can change: 10 s connect_timeout for each host, keepalives,
--- tcp_user_timeout, application_name "pghost". client_encoding is always UTF8.
---@param conninfo string conninfo string or postgresql:// URL; "" leaves all to libpq's environment
---@return pghost.native.Connection?
---@return string? message
---@return string? code
function conn.connect(conninfo) end

--- The text that a parameter of type bytea takes for these bytes: "\x..."
---@param bytes string
---@return string
function conn.bytea(bytes) end

--- Commits the open transactions of several connections side by side. No two-phase commit: after a
--- failure some are committed and some are not.
---@param list pghost.native.Connection[]
---@return true? done
---@return string? message
---@return string? code
function conn.commit_all(list) end

--- Waits until one of several connections, each with a statement under way (Connection:send), has something to
--- receive.
---@param list pghost.native.Connection[]
---@return integer? index in the list; nil after a signal, with the statements still under way
---@return string? message
---@return string? code
function conn.ready(list) end

--- The version of libpq that this process uses, as "15.10".
---@return string
function conn.libpq_version() end

---@class pghost.native.Connection
local Connection = {}

--- Runs one statement. Parameters are bound and their types inferred by the server; a nil is SQL
--- NULL. COPY FROM STDIN and TO STDOUT are refused ("0A000").
---@param sql string
---@param ... pghost.Value integers exact, floats with 17 digits; text has no NUL bytes
---@return pghost.native.Result?
---@return string? message
---@return string? code
function Connection:query(sql, ...) end

--- Starts one statement, as `query` runs it; the connection is busy until `receive` or `abandon`.
---@param sql string
---@param ... pghost.Value
---@return true?
---@return string? message
---@return string? code
function Connection:send(sql, ...) end

--- The result of the statement that was sent; waits for it.
---@return pghost.native.Result?
---@return string? message
---@return string? code
function Connection:receive() end

--- Cancels the statement that was sent, if there is one, and rolls back the open transaction.
function Connection:abandon() end

--- Runs a query whose rows come one by one, in constant memory: `for row in conn:stream(...) do`.
--- The connection is busy until the loop ends. Leaving the loop early cancels the query, but inside
--- of a transaction reads it to its end, because a cancel would fail the transaction. A failure in
--- the middle raises; stream:next() returns it.
---@param sql string
---@param ... pghost.Value
---@return fun(stream: pghost.native.Stream): pghost.native.Row? iterator nil when it cannot start
---@return pghost.native.Stream|string stream or message
---@return nil|string code
---@return pghost.native.Stream? closing
function Connection:stream(sql, ...) end

--- Runs a COPY ... TO STDOUT into a file, which is whole in its place afterwards, or not there.
---@param copy string "COPY t TO STDOUT (FORMAT csv, HEADER)"
---@param path? string nil: standard output
---@param packing? "gzip"|"zstd"|"xz"|"bzip2" default: as the path ends (.gz, .zst, .xz, .bz2)
---@return integer? bytes before packing
---@return string? message
---@return string? code
function Connection:copy_to(copy, path, packing) end

--- Runs a COPY ... FROM STDIN (FORMAT binary) with rows of a file as binary COPY has them, without its header and
--- trailer.
---@param copy string
---@param path string
---@param fields? integer so many of each row, from the first on; nil: all
---@param rows? integer[] numbers of the rows to send, from 1, ascending; nil: all
---@return integer? rows that the server counted
---@return string? message
---@return string? code
function Connection:copy_rows(copy, path, fields, rows) end

--- Runs a script of several statements (simple protocol: one transaction, unless it has its own).
---@param script string
---@return true?
---@return string? message
---@return string? code
function Connection:exec(script) end

--- Runs `fn()` between BEGIN and COMMIT; inside of a transaction between SAVEPOINT and RELEASE. An
--- error of fn rolls back and is raised again as it was. A COMMIT that the server answers with
--- ROLLBACK, since a statement had failed, is a failure ("25P02"). fn cannot yield to a coroutine
--- outside. No signal stops BEGIN, COMMIT and ROLLBACK themselves.
---@param fn fun(): any...
---@param committed? fun() called right after the COMMIT, not after a RELEASE; an error of it is ignored
---@return true? ok
---@return any ... what fn returned; message, code when not ok
function Connection:transaction(fn, committed) end

--- What the server said since the last call.
---@return { severity: string, message: string }[] at most 1,000, the oldest
---@return integer dropped notices beyond those
function Connection:notices() end

--- Asks the server to cancel what this connection is doing; does not wait for it.
function Connection:cancel() end

---@param name string
---@return string
function Connection:quote_identifier(name) end

---@param text string
---@return string
function Connection:quote_literal(text) end

---@return integer process id of the server's backend
function Connection:pid() end

--- A connection that is lost stays lost.
---@return "idle"|"transaction"|"failed"|"active"|"lost"|"closed"
function Connection:status() end

--- Database, host, port and user; no password.
---@return string
function Connection:description() end

--- Closes; again is fine. Cancels a statement that still runs; an open transaction rolls back.
--- Also __close and __gc.
function Connection:close() end

--- `#result` is the number of rows, `result[i]` a row from 1 (nil outside).
---@class pghost.native.Result
---@field affected integer rows changed, or given by a SELECT; 0 where the server counts none
---@field [integer] pghost.native.Row
---@operator len: integer
local Result = {}

---@return fun(): pghost.native.Row?
function Result:rows() end

---@return string[] names
function Result:columns() end

---@return string[] names of the types; "oid 12345" for types that are not built in
function Result:types() end

--- Frees the memory early. Also __close and __gc; rows already got stay.
function Result:close() end

--- One row: a plain table that owns its values. `row.name` (the first of columns of one name),
--- `row[i]` by position from 1, `#row` the width with NULLs, pairs() gives name, value in order,
--- NULLs as nil. ipairs() stops at the first NULL.
---
--- smallint, integer, bigint are integers, real and double precision floats, boolean is boolean,
--- bytea the raw bytes, NULL is nil; all others, numeric too, are the server's text.
---@class pghost.native.Row
---@field [integer] pghost.Value
---@field [string] pghost.Value
---@operator len: integer

--- A query being read. Also __close.
---@class pghost.native.Stream
local Stream = {}

---@return pghost.native.Row? row nil at the end
---@return string? message nil at the end, else why there are no more rows
---@return string? code
function Stream:next() end

--- Names of the columns, once a row or the end has come; nil before.
---@return string[]?
function Stream:columns() end

--- Types of the columns, as of Result:types().
---@return string[]?
function Stream:types() end

--- After the end: rows changed by a statement that gives none.
---@return integer
function Stream:affected() end

--- Writes the row that came last and all that follow as CSV without a header: the server's texts, as psql --csv writes
--- them, but an empty text in quotes. Ends early when the file takes no more.
---@param file file*
---@param null? string what NULL looks like (default: empty)
---@return true? done
---@return string? message
---@return string? code
function Stream:write_csv(file, null) end

--- Ends it early; again is fine. Also __close and __gc.
function Stream:close() end

return conn
