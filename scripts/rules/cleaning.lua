-- scripts/rules/cleaning.lua: how every field of the desk booking files is cleaned
--
-- Blanks go, then one pair of double quotes that is part of the value, then blanks again; what is
-- left as '' or NULL, in any case, is null.

---@param column pghost.Column
---@return pghost.Column
return function(column)
  return column:trim():unquote():trim():null_if({ "", "NULL" }, { ignore_case = true })
end
