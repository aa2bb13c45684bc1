---@meta pghost.native.profile
-- What loads have found in the columns of records (bindings/lua/profile.c, bindings/profile/).

local profile = {}

--- A profile that loads with the same program can be given; each adds to it at its finish.
---@param program pghost.native.Program
---@return pghost.Profile
function profile.new(program) end

---@class pghost.ProfileCounts
---@field rows integer records that are in it: those that passed the rules
---@field left_out integer records with values that only the server can read
---@field sample integer records of which the fields are kept

---@class pghost.ProfileValue
---@field value string
---@field count integer among those that were looked at
---@field cut? boolean these are the first bytes of a longer text

---@class pghost.ProfileQuantile
---@field share number 0.5: half of the values are at or below it
---@field value string
---@field number number

---@class pghost.ProfileColumn
---@field name string
---@field type string
---@field is_number boolean
---@field count integer
---@field nulls integer
---@field distinct integer different values
---@field distinct_exact boolean otherwise by HyperLogLog: standard error 1.15 %
---@field exact boolean `values`, `quantiles` and `histogram` are of all values, otherwise of a sample
---@field looked_at integer of how many they are
---@field min? string
---@field max? string
---@field mean? number of numbers
---@field stddev? number
---@field not_finite? integer NaN and infinities, which no mean counts
---@field length? { min: integer, max: integer, mean: number } characters of texts
---@field quantiles? pghost.ProfileQuantile[]
---@field histogram? integer[] of 20 bars of equal width between min and max
---@field values pghost.ProfileValue[] the most frequent first

---@class pghost.Profile
local methods = {}

--- Of the columns of the program, in its order.
---@param limit? integer of `values`
---@return pghost.ProfileColumn[]
function methods:columns(limit) end

--- Adds what another one has in it.
---@param other pghost.Profile of the same program
function methods:add(other) end

--- All of it as bytes, in a form of pghost's own with a version and a checksum; for profiles of several processes.
---@return string? bytes nil: there was no memory for them
function methods:state() end

--- Adds what a profile of the same columns had in it.
---@param bytes string of Profile:state
---@return true? ok nil: they are of other columns, of another version, or damaged; nothing was added
---@return string? message
function methods:add_state(bytes) end

---@return pghost.ProfileCounts? counts nil: there was no memory for it
function methods:counts() end

return profile
