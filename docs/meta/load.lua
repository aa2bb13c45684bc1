---@meta pghost.native.load
-- CSV files or a table through rules into COPY streams (bindings/lua/load.c, bindings/load/).

local load = {}

---@class pghost.StreamOptions
---@field conn pghost.native.Connection|pghost.native.Connection[] native connections, inside the caller's transaction; several share the work
---@field copy string the statement: `COPY ... FROM STDIN (FORMAT binary)`, for a clean stream in text `(FORMAT text)`

---@class pghost.CleanOptions: pghost.StreamOptions
---@field position? boolean the rows end with `_file_id bigint, _line bigint`
---@field format? "binary"|"text" as in the statement; a program that needs_text takes text alone
---@field key? integer[] columns of the program: rows whose key came before go to `repeats` instead; with `position`, in binary
---@field repeats? string with `key` the file that they are appended to, as binary COPY has them, without its header and trailer; after _file_id and _line byte_offset bigint, byte_length bigint, original bytea

---@class pghost.RejectBudget
---@field limit? integer one reject more fails the load with code "budget"; the rejects found so far are stored
---@field share? number so does a larger share of the records (0.01 is 1 %) that cannot be kept any more, where sizes are known

---@class pghost.RejectsOptions: pghost.StreamOptions, pghost.RejectBudget conn and copy, or path
---@field path? string file that the rows are appended to instead, as binary COPY has them, without its header and trailer
---@field rules? table<string, pghost.RejectBudget> the same by the rule that rejects
---@field expected_bytes? integer size of all files together as they lie on the disk, for `share`
---@field run_id integer
---@field table string name of the table that the records were meant for

---@class pghost.LoadOptions
---@field program? pghost.native.Program needed for `clean`
---@field raw? pghost.StreamOptions gets the columns of `raw_map` as text, then `_file_id bigint, _line bigint`
---@field clean? pghost.CleanOptions gets the program's columns
---@field rejects? pghost.RejectsOptions gets run_id bigint, table_name text, file_id bigint, line bigint, byte_offset bigint, byte_length bigint, column_name text, rule text, reason text, original bytea
---@field profile? pghost.Profile of the program: gets the records that pass, when the load is finished
---@field raw_profile? pghost.Profile of texts: gets the last columns of the readable records of `raw`, likewise
---@field workers? integer threads that read and check, 1 (default) to 64
---@field memory? integer bytes that blocks may hold together, and one block of any size (default 64 MiB)

--- Begins the COPYs. The connections are busy until the load is finished or closed.
---@param options pghost.LoadOptions
---@return pghost.Load? load
---@return string? message
---@return string? code SQLSTATE or "ENOMEM"
function load.open(options) end

--- The rows of queries as one source without a header, record by record as they come.
---@param conns pghost.native.Connection[] at most 64; busy until the source is closed
---@param copies string[] of each connection: `COPY ... TO STDOUT`, in the text format
---@param columns integer of each row
---@param name? string for messages
---@return pghost.Source? source
---@return string? message
---@return string? code
function load.table_source(conns, copies, columns, name) end

---@class pghost.Load a load under way; leaving its scope unfinished aborts it
local Load = {}

---@class pghost.FileOptions
---@field name? string for messages
---@field file_id? integer goes into `_file_id`
---@field raw_map? (integer|false)[] per raw column the source column, from 1; false: the file has none, NULL
---@field clean_map? integer[] per program column the source column
---@field rejects? pghost.RejectBudget of this file
---@field expected_bytes? integer its size as it lies on the disk, for `rejects.share`
---@field table_source? boolean the first two columns are _file_id and _line of the record
---@field progress? fun(records: integer, bytes: integer) called about ten times a second with what all files gave, in bytes as they lie on the disk

---@class pghost.Counts
---@field records integer read: loaded + rejected + filtered
---@field loaded integer passed the rules
---@field rejected integer unreadable ones included
---@field unreadable integer rejects, and repeated headers skipped, that can be in neither table
---@field repairs table<string, integer> records repaired while reading, by kind: padded, cut, extra, quotes, header; second_table: lines not read; blanks, delimiters, marks: docs/CSV.md
---@field lines table<string, integer|string> physical lines by kind, where there are any: records, header, preamble, comments, blank, footer, second_table, earlier; of a file `all`; comment and comment_line: the first comment
---@field filtered integer left out by a filter rule
---@field raw integer rows for the raw table: records - unreadable
---@field bytes integer consumed
---@field source_bytes? integer the source's size after decompression
---@field sha256? string of the source's bytes, hex

--- Whether a further file may be started beside those under way (workers + 1 may be).
---@return boolean
function Load:has_room() end

--- Starts a source, which is the load's until `next` has given its counts. Its records are read beside
--- those of the files under way.
---@param source pghost.Source
---@param options pghost.FileOptions without progress
---@return true? started
---@return string? message
---@return string? code
function Load:start(source, options) end

--- Waits for the oldest file under way. Its bytes and records add up, or it fails with code
--- "conservation". After a failure the load is closed, and the sources under way too.
---@param progress? fun(records: integer, bytes: integer) called about ten times a second with what all files gave, in bytes as they lie on the disk
---@return pghost.Counts? counts
---@return string? message
---@return string? code
function Load:next(progress) end

--- Loads one source to its end: `start` and `next`. After a failure the load is closed.
---@param source pghost.Source
---@param options pghost.FileOptions
---@return pghost.Counts? counts
---@return string? message
---@return string? code SQLSTATE, errno name, "interrupted", or "lua" where a rule failed and on_error is "stop"
function Load:file(source, options) end

---@class pghost.Totals: pghost.Counts
---@field raw_rows integer as the server counted
---@field clean_rows integer
---@field reject_rows integer
---@field repeats integer rows that went to the file of that name
---@field keys_complete boolean every key was looked up: rows with equal keys are left only where the server alone knows that they are equal

--- Ends the COPYs well and compares what was sent with what the server counted. Committing is the caller's.
---@return pghost.Totals? totals
---@return string? message
---@return string? code
function Load:finish() end

---@class pghost.RuleCount
---@field column string
---@field rule string the operation ("trim"), or the rule that warned
---@field count integer cells changed, or warnings
---@field samples { before: string?, after: string? }[] up to three with different texts, cut and escaped; nil: null

--- What cleaning changed; after finish.
---@return pghost.RuleCount[]
function Load:cleaning() end

---@class pghost.OddValues
---@field column string
---@field count integer
---@field file_id integer of the first
---@field line integer
---@field text string the first, in quotes

--- What only the server could read, by column; after finish.
---@return pghost.OddValues[]
function Load:odd() end

--- Aborts an unfinished load and lets go of the connections. Twice is fine.
function Load:abort() end

return load
