using System.Globalization;

namespace MLflow.Server.Ui.List;

/// <summary>The columns of a list, in their order.</summary>
public sealed class ListColumns
{
    /// <summary>More than anybody reads.</summary>
    public const int Most = 40;

    private const int Gap = 14;
    private static readonly string[] Usual = ["time", ListColumn.State, ListColumn.Request, "name", "latency", "tokens", "cost", "feedback"];

    /// <summary>Those that stay when a trace is pinned beside the list.</summary>
    private static readonly string[] BesidePeek = ["time", ListColumn.State, ListColumn.Request, "latency"];

    private ListColumns(IReadOnlyList<ListColumn> all) => All = all;

    public static ListColumns Default { get; } = new([.. Usual.Select(key => new ListColumn(key))]);

    public IReadOnlyList<ListColumn> All { get; }

    /// <summary>The widths for CSS: all, without those that a narrow window has no room for, those beside a pinned trace, and those in the narrow window, without the bars.</summary>
    public string Css => $"--cols:{Grid(All)};--cols-m:{Grid(All.Where(column => column.Key is not ("name" or "feedback")))};--cols-p:{Grid(All.Where(column => BesidePeek.Contains(column.Key)))};--cols-n:{Tight(All.Where(column => BesidePeek.Contains(column.Key)))};--minw:{Minimum(All)}px;--minw-m:{Minimum(All.Where(column => column.Key is not ("name" or "feedback")))}px";

    /// <summary>As <see cref="ToString"/> writes them; what is none is passed over, and the request is always there.</summary>
    public static ListColumns Of(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return Default;
        }

        var columns = text.Split(',').Select(Read).OfType<ListColumn>().DistinctBy(column => column.Key).Take(Most).ToList();
        return new ListColumns(columns.Exists(column => column.Key == ListColumn.Request) ? columns : [.. columns, new ListColumn(ListColumn.Request)]);
    }

    public bool Has(string key) => All.Any(column => column.Key == key);

    public ListColumns Toggled(string key) => key == ListColumn.Request ? this : Has(key) ? new([.. All.Where(column => column.Key != key)]) : All.Count >= Most ? this : new([.. All, new ListColumn(key)]);

    /// <summary>With a column moved to the place of another, or by so many places.</summary>
    public ListColumns Moved(string key, int to)
    {
        var columns = All.ToList();
        var from = columns.FindIndex(column => column.Key == key);
        if (from < 0)
        {
            return this;
        }

        var column = columns[from];
        columns.RemoveAt(from);
        columns.Insert(Math.Clamp(to, 0, columns.Count), column);
        return new ListColumns(columns);
    }

    public int IndexOf(string key) => All.TakeWhile(column => column.Key != key).Count() is var i && i < All.Count ? i : -1;

    public ListColumns Resized(string key, int width) =>
        new([.. All.Select(column => column.Key == key ? column with { Width = Math.Clamp(width, ListColumn.Narrowest, ListColumn.Widest) } : column)]);

    /// <summary><c>time,request,latency:300,tag.my%20key</c>.</summary>
    public override string ToString() => string.Join(',', All.Select(column => Uri.EscapeDataString(column.Key) + (column.Width is { } width ? string.Create(CultureInfo.InvariantCulture, $":{width}") : "")));

    private static ListColumn? Read(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var key = Uri.UnescapeDataString(colon < 0 ? text : text[..colon]);
        int? width = colon >= 0 && int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var pixels) ? Math.Clamp(pixels, ListColumn.Narrowest, ListColumn.Widest) : null;
        var column = new ListColumn(key, width);
        return ListColumn.Fixed.Contains(key) || column.OwnKey is { Length: > 0 } ? column : null;
    }

    private static string Grid(IEnumerable<ListColumn> columns) =>
        string.Join(' ', columns.Select(column => column.IsFlexible ? string.Create(CultureInfo.InvariantCulture, $"minmax({column.Pixels}px,1fr)") : string.Create(CultureInfo.InvariantCulture, $"{column.Pixels}px")));

    private static string Tight(IEnumerable<ListColumn> columns) =>
        string.Join(' ', columns.Select(column => column.IsFlexible ? "minmax(0,1fr)" : column.Key == "latency" ? "62px" : string.Create(CultureInfo.InvariantCulture, $"{column.Pixels}px")));

    private static int Minimum(IEnumerable<ListColumn> columns) => columns.Sum(column => column.Pixels + Gap) + (2 * Gap);
}
