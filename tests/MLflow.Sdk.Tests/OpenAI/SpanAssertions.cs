using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Reads ended spans.</summary>
internal static class SpanAssertions
{
    public static AttributeValue Attribute(this LiveSpan span, string key) =>
        span.EndedAttributes.FirstOrDefault(a => a.Key == key).Value;

    public static bool Has(this LiveSpan span, string key) => span.EndedAttributes.Any(a => a.Key == key);

    public static string Text(this LiveSpan span, string key)
    {
        var value = span.Attribute(key);
        Assert.Equal(AttributeValueKind.String, value.Kind);
        return value.String;
    }

    public static SpanEvent Exception(this LiveSpan span) =>
        Assert.Single(span.EndedEvents, e => e.Name == AttributeNames.ExceptionEvent);

    public static string? Text(this SpanEvent spanEvent, string key)
    {
        foreach (var (name, value) in spanEvent.Attributes)
        {
            if (name == key)
            {
                return value.Kind == AttributeValueKind.Json ? System.Text.Encoding.UTF8.GetString(value.Json) : value.String;
            }
        }

        return null;
    }
}
