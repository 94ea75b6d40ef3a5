using MLflow.Server.Traces;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>Says the grams of all that searches find in a trace.</summary>
internal static class TextContent
{
    public static void AddPreview(string? preview, TextGramSet grams) => TextGrams.Of(preview, grams);

    public static void Add(SpanRecord span, TextGramSet grams)
    {
        TextGrams.Of(new SpanContent(span).Text, grams);

        // It stands in span.content alone.
        TextGrams.Of(span.Type, grams);
    }
}
