using System.Text;
using System.Text.RegularExpressions;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Share;

/// <summary>Takes out of a trace what shall not be shared. It is done before anything is written, so that no markup can hide a text from it.</summary>
internal sealed class TraceRedaction
{
    /// <summary>What tells no more than how a call went.</summary>
    private static readonly HashSet<string> Figures =
    [
        AttributeNames.SpanType, AttributeNames.Model, AttributeNames.TokenUsage, AttributeNames.Cost, AttributeNames.TimeToFirstToken,
    ];

    private readonly ShareOptions _options;
    private readonly ValueRedactor _values;

    public TraceRedaction(ShareOptions options)
    {
        _options = options;
        var privacy = new PrivacyOptions { MaxRedactedBytes = int.MaxValue };
        foreach (var mask in options.Masks)
        {
            privacy.RedactedPatterns.Add("(?i)" + Regex.Escape(mask));
        }

        _values = new ValueRedactor(RedactionRules.Of(privacy), _ => { });
    }

    public TraceInfo Apply(TraceInfo info) => info with
    {
        RequestPreview = Content(info.RequestPreview),
        ResponsePreview = Content(info.ResponsePreview),
        ClientRequestId = null,
        Metadata = new Dictionary<string, string>(),
        Tags = new Dictionary<string, string>(),
        Assessments = [],
        Facts = info.Facts with { Name = Content(info.Facts.Name), Model = TextOrNull(info.Facts.Model), ErrorType = TextOrNull(info.Facts.ErrorType), ErrorMessage = Content(info.Facts.ErrorMessage) },
    };

    public SpanRecord Apply(SpanRecord span) => span with
    {
        Name = Text(span.Name),
        Type = Text(span.Type),
        StatusMessage = Content(span.StatusMessage),
        Attributes = [.. Values(span.Attributes.Where(attribute => _options.WithContent || Figures.Contains(attribute.Key)))],

        // Chunks of a stream are the answer in pieces, in which nothing could be found; the answer is an attribute.
        Events = [.. span.Events.Where(one => one.Name == "exception").Select(one => one with { Attributes = [.. Values(one.Attributes.Where(attribute => _options.WithContent || attribute.Key == "exception.type"))] })],
        Links = [],
        Resource = [],
        ScopeAttributes = [],
        TraceState = null,
        Mapped = [],
        Sent = null,
    };

    private IEnumerable<KeyValuePair<string, string>> Values(IEnumerable<KeyValuePair<string, string>> attributes) => attributes.Select(attribute => KeyValuePair.Create(attribute.Key, Json(attribute.Key, attribute.Value)));

    private string? Content(string? text) => text is null || !_options.WithContent ? null : Text(text);

    private string? TextOrNull(string? text) => text is null ? null : Text(text);

    private string Text(string text) => _values.Redact("text", text);

    private string Json(string name, string json)
    {
        var value = AttributeValue.FromJson(Encoding.UTF8.GetBytes(json));
        return !_values.Redact(name, ref value) ? json : value.Kind == AttributeValueKind.Json ? Encoding.UTF8.GetString(value.Json) : StoredJson.Quote(value.String);
    }
}
