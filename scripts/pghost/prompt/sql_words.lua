-- The words of SQL that the prompt knows: those that a statement begins with, and those that it completes.

local set = require("pghost.lib.lists").words

local M = {}

--- Words that a statement begins with.
M.first = set [[abort alter analyze analyse begin call checkpoint close cluster comment commit copy create deallocate
  declare delete discard do drop end execute explain fetch grant import insert listen load lock merge move notify
  prepare reassign refresh reindex release reset revoke rollback savepoint security select set show start table
  truncate unlisten update vacuum values with]]

--- Words after which the name of a table stands.
M.before_table = set [[from join into update table only truncate analyze vacuum copy using]]

--- Words that a column cannot be called without quotes (reserved in the server's grammar).
M.reserved = set [[all analyse analyze and any array as asc asymmetric both case cast check collate column constraint
  create current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else
  end except false fetch for foreign from grant group having in initially intersect into lateral leading limit
  localtime localtimestamp not null offset on only or order placing primary references returning select session_user
  some symmetric table then to trailing true union unique user using variadic when where window with]]

--- Words that are completed, besides those that a statement begins with.
M.keywords = set [[add all and any array as asc between bigint boolean by cascade case cast check coalesce column
  conflict constraint cross current_date current_timestamp database date default desc distinct double else exists
  extract false filter first following foreign from full function group having ilike in index inner integer intersect
  interval into is isnull join key last lateral left like limit materialized not nothing notnull null nulls numeric
  offset on only or order outer over partition preceding precision primary range recursive references restrict
  returning right row rows schema sequence similar some text then timestamp timestamptz to transaction true type
  unbounded union unique using view when where window within]]

return M
