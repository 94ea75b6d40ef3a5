using System.Globalization;
using System.Text;

namespace MLflow.Server.Ui;

/// <summary>The address of a trace page: everything that can be seen on it is in here.</summary>
/// <param name="TraceId">The trace.</param>
/// <param name="Span">The span in the reading pane, or null for the one that the page chooses.</param>
/// <param name="Tab">The tab, or null for Chat.</param>
/// <param name="Whole">True to show the whole prompt and whole payloads.</param>
/// <param name="View">On a phone, <c>read</c> for the reading pane and <c>map</c> for the timeline; null for the one that the rest of the address speaks of.</param>
public sealed record TraceUrl(string TraceId, string? Span = null, string? Tab = null, bool Whole = false, string? View = null)
{
    /// <summary>The face of the left side that lists what every step took and gave.</summary>
    public const string Log = "log";

    /// <summary>The face that draws how the agent went from step to step.</summary>
    public const string Graph = "graph";

    private const string Reading = "read";
    private const string Timeline = "map";

    /// <summary>Whether a phone shows the reading pane, not the timeline.</summary>
    public bool IsReading => View == Reading || (View != Timeline && NamesReading);

    /// <summary><see cref="Log"/>, <see cref="Graph"/>, or null for the timeline.</summary>
    public string? Face { get; init; }

    /// <summary>What is looked for in the trace.</summary>
    public string? Find { get; init; }

    /// <summary>Which of the hits is shown, from 1; 0 for none yet.</summary>
    public int Hit { get; init; }

    /// <summary>Only rows in which <see cref="Find"/> was found, and those above them.</summary>
    public bool OnlyHits { get; init; }

    /// <summary>Folded subtrees, see <see cref="Spans.FoldState"/>.</summary>
    public string? Fold { get; init; }

    /// <summary>Kinds of steps that are shown, separated by commas; null for all.</summary>
    public string? Types { get; init; }

    /// <summary>Rows down to this level of the tree, from 1; null for all.</summary>
    public int? Level { get; init; }

    /// <summary>Only rows that failed, and those above them.</summary>
    public bool OnlyErrors { get; init; }

    /// <summary>The part of the time that the ruler shows, <c>from-to</c> in milliseconds; null for the whole.</summary>
    public string? Zoom { get; init; }

    /// <summary>Place of the message that the address speaks of, from 1.</summary>
    public int? Message { get; init; }

    /// <summary>The list that the reader came from: its query string without the question mark.</summary>
    public string? From { get; init; }

    // A step, a tab of it and whole payloads are in the reading pane.
    private bool NamesReading => !string.IsNullOrEmpty(Span) || !string.IsNullOrEmpty(Tab) || Whole;

    public static string To(string traceId) => new TraceUrl(traceId).ToString();

    /// <summary>Another span, same tab. On a phone this opens the reading pane.</summary>
    public string ToSpan(string spanId) => (this with { Span = spanId, View = Reading, Message = null }).ToString();

    public string ToTab(string tab) => (this with { Tab = tab, View = Reading }).ToString();

    public string ToWhole(bool whole) => (this with { Whole = whole }).ToString();

    public string ToReading() => (this with { View = Reading }).ToString();

    public string ToTimeline() => (this with { View = NamesReading ? Timeline : null }).ToString();

    /// <summary>The same with other settings of the left side; a phone stays there.</summary>
    public string ToSurface(Func<TraceUrl, TraceUrl> change) => (change(this) with { View = NamesReading ? Timeline : null }).ToString();

    public override string ToString()
    {
        var url = new StringBuilder("traces/").Append(Uri.EscapeDataString(TraceId));
        var separator = '?';
        Add("span", Span);
        Add("tab", Tab);
        Add("whole", Whole ? "1" : null);
        Add("msg", Message?.ToString(CultureInfo.InvariantCulture));
        Add("face", Face);
        Add("find", Find);
        Add("hit", Hit > 0 ? Hit.ToString(CultureInfo.InvariantCulture) : null);
        Add("hits", OnlyHits ? "1" : null);
        Add("fold", Fold);
        Add("types", Types);
        Add("level", Level?.ToString(CultureInfo.InvariantCulture));
        Add("errors", OnlyErrors ? "1" : null);
        Add("zoom", Zoom);
        Add("v", View);
        Add("from", From);
        return url.ToString();

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                url.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
                separator = '&';
            }
        }
    }
}
