using System.Text;

namespace MLflow.Server.Ui;

/// <summary>The address of a trace page: everything that can be seen on it is in here.</summary>
/// <param name="TraceId">The trace.</param>
/// <param name="Span">The span in the reading pane, or null for the one that the page chooses.</param>
/// <param name="Tab">The tab, or null for Chat.</param>
/// <param name="Whole">True to show the whole prompt and whole payloads.</param>
/// <param name="View"><c>read</c> on a phone for the reading pane, otherwise null.</param>
public sealed record TraceUrl(string TraceId, string? Span = null, string? Tab = null, bool Whole = false, string? View = null)
{
    public static string To(string traceId) => new TraceUrl(traceId).ToString();

    /// <summary>Another span, same tab. On a phone this opens the reading pane.</summary>
    public string ToSpan(string spanId) => (this with { Span = spanId, View = "read" }).ToString();

    public string ToTab(string tab) => (this with { Tab = tab, View = "read" }).ToString();

    public string ToWhole(bool whole) => (this with { Whole = whole }).ToString();

    public string ToView(string? view) => (this with { View = view }).ToString();

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
