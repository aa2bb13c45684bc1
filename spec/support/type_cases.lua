-- Texts to try types with, and what of them is accepted here: the types of each family, in types/.
--
-- `shape(text)` says, independently of the C code, which spellings we take: a text must be accepted
-- exactly when it has the shape and the server accepts it. So whatever the server takes and we do
-- not is stated here. Without a shape we take all that the server takes. Types with `spellings` take some
-- more, as the server does: ../spellings_spec.lua.

local M = {}

local families = { "number", "datetime", "interval", "character", "json", "network", "array" }

---@class spec.TypeCase
---@field name string in SQL
---@field send string the server's send function
---@field make fun(): string a random text
---@field alphabet? string characters to spoil texts with
---@field picked? string[] texts to try besides
---@field shape? fun(text: string): boolean
---@field spellings? boolean
---@field count? integer how many random texts

---@type spec.TypeCase[]
M.types = {}
for _, family in ipairs(families) do
  table.move(require("support.types." .. family).types, 1, 100, #M.types + 1, M.types)
end

M.formats = require "support.types.formats"

return M
