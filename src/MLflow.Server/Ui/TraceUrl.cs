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
    private const string Reading = "read";
    private const string Timeline = "map";

    /// <summary>Whether a phone shows the reading pane, not the timeline.</summary>
    public bool IsReading => View == Reading || (View != Timeline && NamesReading);

    // A step, a tab of it and whole payloads are in the reading pane.
    private bool NamesReading => !string.IsNullOrEmpty(Span) || !string.IsNullOrEmpty(Tab) || Whole;

    public static string To(string traceId) => new TraceUrl(traceId).ToString();

    /// <summary>Another span, same tab. On a phone this opens the reading pane.</summary>
    public string ToSpan(string spanId) => (this with { Span = spanId, View = Reading }).ToString();

    public string ToTab(string tab) => (this with { Tab = tab, View = Reading }).ToString();

    public string ToWhole(bool whole) => (this with { Whole = whole }).ToString();

    public string ToReading() => (this with { View = Reading }).ToString();

    public string ToTimeline() => (this with { View = NamesReading ? Timeline : null }).ToString();

    public override string ToString()
    {
        var url = new StringBuilder("traces/").Append(Uri.EscapeDataString(TraceId));
        var separator = '?';
        Add("span", Span);
        Add("tab", Tab);
        Add("whole", Whole ? "1" : null);
        Add("v", View);
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
