// See policy.h.
#include "csv/policy.h"

#include <string.h>

static bool same_text(const Field *a, const Field *b) {
  return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool repeats(const HeaderLine *line, const Field *fields, uint32_t count) {
  if (count < line->count || line->count < 2)
    return false;
  bool any_text = false;
  for (uint32_t i = 0; i < line->count; i++) {
    if (!same_text(&fields[i], &line->fields[i]))
      return false;
    any_text = any_text || fields[i].len > 0;
  }
  return any_text;
}

// A record with _extra has one field more than the header, a NULL.
static bool is_header(const Dialect *dialect, const Batch *batch, const Record *record) {
  const Field *fields = batch->fields + record->field_start;
  uint32_t expected = record->field_count;
  if (record->error == RECORD_OK && dialect->too_many == MANY_EXTRA)
    expected--;
  for (uint32_t i = 0; i < dialect->header_count; i++)
    if (dialect->header[i].count == expected && repeats(&dialect->header[i], fields, expected))
      return true;
  return false;
}

// The same where headers are data.
static bool is_loaded_header(const Dialect *dialect, const Batch *batch, const Record *record) {
  return dialect->repeated_header == HEADER_LOAD && dialect->names && record->error == RECORD_OK &&
         dialect->names->count <= record->field_count &&
         repeats(dialect->names, batch->fields + record->field_start, dialect->names->count);
}

// After the line end at `at`.
static const char *after_line_end(const char *at, const char *limit) {
  const char *lf = at;
  while (lf < limit && *lf == '\r')
    lf++;
  return lf < limit && *lf == '\n' ? lf + 1 : at + (at < limit && *at == '\r');
}

// Whether the line before record `i` is blank. Between two records there are only blank lines and
// comments.
static bool is_after_blank(const Dialect *dialect, const Batch *batch, const char *bytes,
                           size_t i) {
  char end = dialect_line_end(dialect);
  const char *at = batch->records[i].bytes, *start = bytes;
  if (i > 0)
    start = after_line_end(batch->records[i - 1].bytes + batch->records[i - 1].length, at);
  if (at <= start)
    return false;
  const char *before = at - 1;
  before -= dialect_crs(dialect, start, before);
  return before == start || before[-1] == end;
}

static Field *add_fields(Batch *batch, size_t count) {
  size_t first = batch->field_count;
  for (size_t i = 0; i < count; i++) {
    Field *field = batch_add_field(batch);
    if (!field)
      return NULL;
    *field = (Field){"", 0, true};
  }
  return &batch->fields[first];
}

// Gives the record fields of its own at the end of the batch's, `count` in all.
static bool resize(Batch *batch, Record *record, uint32_t count) {
  size_t first = batch->field_count;
  Field *fields = add_fields(batch, count);
  if (!fields)
    return false;
  uint32_t kept = record->field_count < count ? record->field_count : count;
  memcpy(fields, batch->fields + record->field_start, kept * sizeof *fields);
  record->field_start = (uint32_t)first;
  record->field_count = count;
  record->error = RECORD_OK;
  return true;
}

static bool pad(const Dialect *dialect, Batch *batch, Record *record) {
  record->repairs |= 1U << REPAIR_PADDED;
  return resize(batch, record, dialect->columns + (dialect->too_many == MANY_EXTRA));
}

// Only empty fields are cut: of others nobody knows which one is extra.
static void cut(const Dialect *dialect, const Batch *batch, Record *record) {
  for (uint32_t i = dialect->columns; i < record->field_count; i++)
    if (batch->fields[record->field_start + i].len > 0)
      return;
  record->repairs |= 1U << REPAIR_CUT;
  record->field_count = dialect->columns;
  record->error = RECORD_OK;
}

static bool keep_extra(General *general, Batch *batch, Record *record) {
  uint32_t columns = general->dialect->columns;
  size_t start = general_field_start(general, record->bytes, record->length, columns);
  if (!resize(batch, record, columns + 1))
    return false;
  size_t len = record->length - start;
  batch->fields[record->field_start + columns] =
      (Field){len ? record->bytes + start : "", (uint32_t)len, len == 0};
  record->repairs |= 1U << REPAIR_EXTRA;
  return true;
}

static void check_sizes(const Dialect *dialect, const Batch *batch, Record *record) {
  for (uint32_t i = 0; i < record->field_count; i++) {
    if (batch->fields[record->field_start + i].len <= dialect->max_field)
      continue;
    record->error = RECORD_FIELD_TOO_LONG;
    record->column = i + 1;
    return;
  }
}

static bool is_too_few(const Record *record) {
  return record->error == RECORD_TOO_FEW_FIELDS;
}

enum { MOST_NAMES = 64, LEAST_DASHES = 3 };

static bool is_name(const HeaderLine *names, const Field *field) {
  for (uint32_t i = 0; i < names->count && i < MOST_NAMES; i++)
    if (same_text(&names->fields[i], field))
      return true;
  return false;
}

// Whether a record of another width is a header: no field is empty, and at least half of them are
// names of the header. Looks at the first MOST_NAMES.
static bool is_other_header(const Dialect *dialect, const Batch *batch, const Record *record) {
  uint32_t count = record->field_count < MOST_NAMES ? record->field_count : MOST_NAMES, known = 0;
  if (!dialect->names || record->field_count < 2)
    return false;
  for (uint32_t i = 0; i < count; i++) {
    const Field *field = &batch->fields[record->field_start + i];
    if (field->len == 0)
      return false;
    known += is_name(dialect->names, field);
  }
  return known * 2 >= count;
}

static bool is_dashes(const Field *field) {
  uint32_t i = 0;
  bool dash = field->len >= LEAST_DASHES && (*field->data == '-' || *field->data == '=');
  while (dash && i < field->len && field->data[i] == *field->data)
    i++;
  return dash && i == field->len;
}

// The record right under the header that underlines it, as sqlcmd writes it.
static bool underlines(const Dialect *dialect, const Batch *batch, const Record *record) {
  if (record->offset != dialect->first_offset || dialect->columns < 2 ||
      record->field_count < dialect->columns || dialect->repeated_header == HEADER_LOAD)
    return false;
  for (uint32_t i = 0; i < dialect->columns; i++)
    if (!is_dashes(&batch->fields[record->field_start + i]))
      return false;
  return true;
}

// Whether the batch must end before the record; sets the error that it ends with.
static bool stops(const Dialect *dialect, const Batch *batch, const char *bytes, size_t i) {
  Record *record = &batch->records[i];
  if (dialect->end_at_second_table && dialect->columns > 1 &&
      (is_after_blank(dialect, batch, bytes, i) || is_other_header(dialect, batch, record))) {
    record->error = RECORD_SECOND_TABLE;
    return true;
  }
  return is_too_few(record) ? dialect->too_few == FEW_STOP : dialect->too_many == MANY_STOP;
}

// The empty field after a delimiter at the end of the line; it stays as the NULL of _extra.
static bool drop_trailing(const Dialect *dialect, const Batch *batch, Record *record) {
  uint32_t columns = dialect->columns;
  if (!dialect->trailing_delimiter || record->field_count != columns + 1 ||
      !batch->fields[record->field_start + columns].null)
    return false;
  record->field_count -= dialect->too_many != MANY_EXTRA;
  record->error = RECORD_OK;
  record->repairs |= 1U << REPAIR_DELIMITER;
  return true;
}

static bool mend(General *general, Batch *batch, Record *record) {
  const Dialect *dialect = general->dialect;
  if (is_too_few(record))
    return dialect->too_few != FEW_PAD || pad(dialect, batch, record);
  if (dialect->too_many == MANY_CUT)
    cut(dialect, batch, record);
  return dialect->too_many != MANY_EXTRA || keep_extra(general, batch, record);
}

static bool has_wrong_count(const Record *record) {
  return is_too_few(record) || record->error == RECORD_TOO_MANY_FIELDS;
}

static bool repairs(const Dialect *dialect) {
  return dialect->too_few == FEW_PAD || dialect->too_many == MANY_CUT ||
         dialect->too_many == MANY_EXTRA || dialect->repair_quotes ||
         dialect->repeated_header != HEADER_REJECT || dialect->text.fallback ||
         dialect->text.strip_nul || dialect->blanks_after_quote || dialect->trailing_delimiter;
}

static void sum_repairs(Batch *batch) {
  for (size_t i = 0; i < batch->record_count; i++) {
    const Record *record = &batch->records[i];
    if (record->error != RECORD_OK && record->error != RECORD_SKIPPED_HEADER)
      continue;
    for (int kind = 0; record->repairs >> kind; kind++)
      batch->repairs[kind] += record->repairs >> kind & 1;
  }
}

static void mark_header(const Dialect *dialect, Record *record, RecordError error) {
  bool skip = dialect->repeated_header == HEADER_SKIP;
  record->error = skip ? RECORD_SKIPPED_HEADER : error;
  record->repairs = skip ? 1U << REPAIR_HEADER : 0;
}

// True: the batch ends before this record.
static bool apply(General *general, Batch *batch, const char *bytes, size_t i, bool *good) {
  const Dialect *dialect = general->dialect;
  Record *record = &batch->records[i];
  bool wrong_count = has_wrong_count(record);
  if (record->error != RECORD_OK && !wrong_count)
    return false;
  if (dialect->header_count > 0 && is_header(dialect, batch, record)) {
    mark_header(dialect, record, RECORD_REPEATED_HEADER);
    return false;
  }
  if (underlines(dialect, batch, record)) {
    mark_header(dialect, record, RECORD_DASHES);
    return false;
  }
  if (record->repairs & 1U << REPAIR_MARK && !is_loaded_header(dialect, batch, record)) {
    record->error = RECORD_MARK;
    return false;
  }
  if (wrong_count && !is_too_few(record) && drop_trailing(dialect, batch, record))
    wrong_count = false;
  if (wrong_count && stops(dialect, batch, bytes, i))
    return true;
  if (wrong_count)
    *good = mend(general, batch, record) && *good;
  if (dialect->max_field > 0 && record->error == RECORD_OK)
    check_sizes(dialect, batch, record);
  return false;
}

static size_t stop_at(Batch *batch, const char *bytes, size_t i, Position *position) {
  batch->stopped = true;
  batch->stop = batch->records[i];
  batch->record_count = i;
  *position = (Position){batch->stop.offset, batch->stop.line};
  return (size_t)(batch->stop.bytes - bytes);
}

size_t policy_apply(General *general, Batch *batch, const char *bytes, size_t used,
                    Position *position, bool *good) {
  *good = true;
  if (!batch->odd)
    return used;
  for (size_t i = 0; i < batch->record_count; i++)
    if (apply(general, batch, bytes, i, good)) {
      used = stop_at(batch, bytes, i, position);
      break;
    }
  return used;
}

void policy_count(const Dialect *dialect, Batch *batch) {
  if (batch->odd && repairs(dialect))
    sum_repairs(batch);
}
