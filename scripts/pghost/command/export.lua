-- pghost export: writes a table or a query to a CSV file, compressed or not; the file is complete or absent.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local host = require "pghost.native.host"
local log = require "pghost.lib.log"
local readable = require "pghost.catalog.readable"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"

local function one_byte(text)
  local byte = ({ tab = "\t", comma = ",", semicolon = ";", pipe = "|" })[text] or text
  if #byte ~= 1 then
    return nil, ("one byte, or tab, comma, semicolon, pipe expected, got '%s'"):format(text)
  end
  return byte
end

local function new_parser()
  local parser = argparse("pghost export", "Writes a table or the result of a query to a CSV file.")
  parser:argument("source", "Name of a table or view, or a SELECT.")
  parser:option("-o --output", "The file or s3:// URL, compressed if it ends in .gz, .zst, .xz or .bz2; - is"
    .. " standard output.")
    :argname("FILE"):default("-")
  parser:option("--delimiter", "Delimiter (default: comma); 'tab' works too."):argname("C"):convert(one_byte)
    :default(",")
  parser:option("--null", "Text for NULL (default: empty)."):argname("TEXT"):default("")
  parser:flag("--no-header", "Leave out the header."):target("no_header")
  parser:epilog("Example: pghost export booking -o booking.csv.zst")
  return parser
end

local function is_query(source)
  local first = source:match("^[%s(]*(%a+)")
  first = first and first:lower()
  return source:find("[%s(]") ~= nil and (first == "select" or first == "with" or first == "values" or first == "table")
end

-- What is copied: a query has no semicolon and no other statement after it.
local function subject(source)
  if not is_query(source) then
    return nil
  end
  local statements = sql.split(source)
  if #statements ~= 1 then
    errors.raise(("one query expected, got %d statements"):format(#statements), "usage")
  end
  return statements[1]
end

local function table_name(conn, source)
  local found = conn:query([[
    SELECT pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||)
      pg_catalog.quote_ident(c.relname) AS name
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = pg_catalog.to_regclass($1::text)::pg_catalog.oid]], source)[1]
  if not found then
    errors.raise(("no table or view '%s'"):format(source), "42P01")
  end
  readable.hold(conn, found.name, ("if you trust it, give the query: pghost export 'SELECT * FROM %s'")
    :format(found.name))
  return found.name
end

local options = command_arguments.parse(new_parser(), { ... }, "pghost export")
local query = subject(options.source)
local conn <close> = connection.open()
local started = sys.clock()

local function copy(from)
  return conn:copy_to(("COPY (%s\n) TO STDOUT (FORMAT csv, HEADER %s, DELIMITER %s, NULL %s)"):format(from,
    options.no_header and "false" or "true", conn:quote_literal(options.delimiter), conn:quote_literal(options.null)),
    options.output ~= "-" and options.output or nil)
end

-- In a transaction, so that the table stays what was looked at.
local function copy_table()
  conn:query "BEGIN TRANSACTION READ ONLY"
  local bytes = copy("SELECT * FROM " .. table_name(conn, options.source))
  pcall(conn.query, conn, "COMMIT") -- the file is complete, and nothing was written
  return bytes
end

local bytes = query and copy(query) or copy_table()
if options.output ~= "-" and not host.options.quiet then
  local seconds = sys.clock() - started
  io.stderr:write(("wrote %s: %.1f MB in %s (%.0f MB/s)\n"):format(options.output, bytes / 1e6, log.duration(seconds),
    bytes / 1e6 / math.max(seconds, 1e-6)))
end
