-- What is proposed for a column: a type, the reason, and what else it could be.

local M = {}

---@class pghost.sniff.Proposal
---@field type string SQL name
---@field reason string
---@field alternatives { type: string, format?: string, reason: string }[]
---@field format? string of a date or timestamp
---@field decimal? string "," or "."
---@field doubt? boolean the first alternative fits as well
---@field none? boolean there is no value

---@param type_name string
---@param reason string
---@param more? table further fields
---@return pghost.sniff.Proposal
function M.proposal(type_name, reason, more)
  local made = more or {}
  made.type, made.reason = type_name, reason
  made.alternatives = made.alternatives or {}
  return made
end

function M.alternative(type_name, reason, format)
  return { type = type_name, reason = reason, format = format }
end

--- Text, though every value is of a type: what the type would lose is the reason.
---@param reason string
---@param type_name string
---@param what string why it could be that type
---@return pghost.sniff.Proposal
function M.kept_as_text(reason, type_name, what)
  return M.proposal("text", reason, { alternatives = { M.alternative(type_name, what) } })
end

return M
