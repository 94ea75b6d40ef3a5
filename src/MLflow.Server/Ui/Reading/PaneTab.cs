using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Reading;

/// <summary>A tab of the reading pane.</summary>
/// <param name="Key">Its name in the address.</param>
/// <param name="Title">Its name on the page.</param>
/// <param name="Count">How many things are in it, or null.</param>
/// <param name="IsBad">True when there is an error in it.</param>
public sealed record PaneTab(string Key, string Title, int? Count = null, bool IsBad = false)
{
    public const string Chat = "chat";
    public const string InputsOutputs = "io";
    public const string Stream = "stream";
    public const string Events = "events";
    public const string Attributes = "attrs";
    public const string Http = "http";
    public const string Raw = "raw";

    /// <summary>The tabs that a span has, in the order of the keys 1 to 7.</summary>
    public static IReadOnlyList<PaneTab> For(Spans.SpanView span, int chunks)
    {
        var others = span.Record.Events.Count - chunks;
        var tabs = new List<PaneTab> { new(Chat, T("Chat")), new(InputsOutputs, T("Inputs / Outputs")) };
        if (chunks > 0)
        {
            tabs.Add(new(Stream, T("Stream"), chunks));
        }

        tabs.Add(new(Events, T("Events"), others > 0 ? others : chunks > 0 ? chunks : null, span.Record.Events.Any(e => e.Name == AttributeNames.ExceptionEvent)));
        tabs.Add(new(Attributes, T("Attributes"), span.Record.Attributes.Count));
        if (span.Attempts.Count > 0)
        {
            tabs.Add(new(Http, "HTTP", span.Attempts.Count, span.Attempts[^1].Failed));
        }
        else if (Copying.CallCode.Of(span) is not null)
        {
            tabs.Add(new(Http, "HTTP"));
        }

        tabs.Add(new(Raw, T("Raw")));
        return tabs;
    }
}
