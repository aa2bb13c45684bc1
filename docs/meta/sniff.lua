---@meta pghost.native.sniff
-- What a CSV file is, as facts (bindings/lua/sniff.c). What they mean is pghost.csv.

local sniff = {}

---@class pghost.native.sniff.Flags what is known beforehand
---@field blanks_after_quote? boolean those after a closing quote are not data; found if not given
---@field trailing_delimiter? boolean a delimiter that ends a record starts no field
---@field text_format? boolean the text format of COPY
---@field escape? string one character; "": none
---@field comment? string what comment lines begin with; "": there are none
---@field skip? integer physical lines above the table
---@field header? integer records of the header
---@field footer? integer physical lines at the end
---@field skip_blanks? boolean blanks at the start of a field are not data

--- Looks at a file: at its first bytes for the encoding and the dialect, then at all of it, or at a
--- sample, for the columns.
---@param path string "-" is standard input
---@param sample? integer bytes to look at; 0 or nothing: all of it
---@param encoding? string as iconv knows it; found if not given
---@param member? string of a zip
---@param delimiter? string found if not given; left out of account where the file has no records with it
---@param quote? string found if not given; "": none
---@param flags? pghost.native.sniff.Flags
---@return table? facts nil: the file cannot be read, is empty, or is not text
---@return string? message
---@return string? code
function sniff.file(path, sample, encoding, member, delimiter, quote, flags) end

--- The same for bytes in memory.
---@param text string
---@param sample? integer
---@param encoding? string
---@param delimiter? string
---@param quote? string
---@param flags? pghost.native.sniff.Flags
---@return table? facts
---@return string? message
---@return string? code
function sniff.string(text, sample, encoding, delimiter, quote, flags) end

return sniff
