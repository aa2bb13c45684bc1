-- The options of csv.open for a file of a load, out of the options of that load.

local M = {}

---@class pghost.DialectOptions
---@field delimiter? string
---@field quote? string
---@field encoding? string "utf-8" (default), any name that iconv knows, or "auto"; a byte order mark has the last word
---@field invalid? "reject"|"windows-1252" what fields that are not valid in the encoding are taken for
---@field nul? "reject"|"strip" what happens to NUL bytes

local names = { "delimiter", "quote", "encoding", "invalid", "nul" }

--- Options for csv.open.
---@param options pghost.DialectOptions
---@param file { member?: string, encoding?: string } of a zip the member; the encoding once it is known
---@return pghost.csv.Options
function M.of_file(options, file)
  local dialect = { member = file.member }
  for _, name in ipairs(names) do
    dialect[name] = options[name]
  end
  dialect.encoding = file.encoding or dialect.encoding
  return dialect
end

--- Notes the encoding that a file turned out to be in.
---@param file { name: string, encoding?: string }
---@param source pghost.Source the file, open
---@return string? line for the log where nobody has said it: "a.csv: encoding 'utf-16le': its byte order mark"
function M.note_encoding(file, source)
  local encoding, note = source:encoding()
  file.encoding = encoding
  return note and ("%s: encoding '%s': %s"):format(file.name, encoding, note)
end

return M
