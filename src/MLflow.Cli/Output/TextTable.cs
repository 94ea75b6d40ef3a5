using System.Text;

namespace MLflow.Cli.Output;

/// <summary>
/// Columns of plain text: no colours, one line for each row. On a terminal long cells are cut, so that lines do not wrap; in a pipe or a file they are whole.
/// </summary>
internal sealed class TextTable
{
    private const int MaxWidthOnTerminal = 48;

    private readonly List<string[]> _rows = [];
    private readonly bool _isCut;

    /// <param name="isCut">Whether a terminal shows it.</param>
    /// <param name="headings">One for each column.</param>
    public TextTable(bool isCut, params string[] headings)
    {
        _isCut = isCut;
        _rows.Add(headings);
    }

    public void Add(params IEnumerable<string?> cells) => _rows.Add([.. cells.Select(cell => Clean(cell ?? ""))]);

    public override string ToString()
    {
        var widths = Enumerable.Range(0, _rows[0].Length).Select(column => _rows.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in _rows)
        {
            text.AppendLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }

        return text.ToString();
    }

    /// <summary>What traces hold is written by strangers: a terminal obeys control characters.</summary>
    private string Clean(string cell)
    {
        var line = string.Concat(cell.Select(c => char.IsControl(c) ? ' ' : c));
        return _isCut && line.Length > MaxWidthOnTerminal ? string.Concat(line.AsSpan(0, MaxWidthOnTerminal - 1), "…") : line;
    }
}
