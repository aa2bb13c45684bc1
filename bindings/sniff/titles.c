// Titles that a spreadsheet has padded with delimiters.
#include "sniff/titles.h"

#include "sniff/cell.h"

// Empty quotes count as empty in a title.
static size_t count_filled(const SniffRecord *record) {
  size_t filled = 0;
  for (size_t i = 0; i < record->count; i++)
    filled += record->fields[i].len > 0;
  return filled;
}

static bool is_title(const SniffRecord *record, size_t columns) {
  size_t filled = count_filled(record);
  const SniffField *only = record->fields;
  while (filled == 1 && columns > 2 && only->len == 0)
    only++;
  return record->count == columns &&
         (filled == 0 ||
          (filled == 1 && only->len > 0 && !sniff_cell_is_data(sniff_cell(only->text, only->len))));
}

// "506,13,,,,,": what some programs write above the names, filled up to the width of the table.
static bool is_sparse(const SniffRecord *record, size_t columns) {
  return record->count == columns && columns > 4 && count_filled(record) * 4 <= columns;
}

static void note_title(const SniffRecord *record, size_t columns, SniffTitles *titles) {
  bool title = is_title(record, columns);
  titles->ended = !title && !is_sparse(record, columns);
  if (titles->ended)
    return;
  titles->count++;
  titles->sparse |= !title;
  titles->blank += count_filled(record) == 0;
}

bool sniff_count_titles(const SniffSample *sample, const SniffGuess *guess, SniffTitles *titles) {
  SniffRecord record = {0};
  size_t at = 0, index = 0;
  *titles = (SniffTitles){0};
  while (!titles->ended && index < guess->first + guess->records &&
         sniff_record_read(&guess->dialect, sample->bytes + at, sample->len - at, sample->whole,
                           &record)) {
    at += record.length;
    if (record.blank || record.comment || index++ < guess->first)
      continue;
    note_title(&record, guess->columns, titles);
  }
  bool failed = record.failed;
  sniff_record_free(&record);
  return !failed;
}
