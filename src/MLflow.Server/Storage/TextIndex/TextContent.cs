using System.Text.Json;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using ZstdSharp;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>Says the grams of all that searches find in a trace.</summary>
internal static class TextContent
{
    public static void AddPreview(string? preview, TextGramSet grams) => TextGrams.Of(preview, grams);

    /// <param name="spans">All spans of a trace. Where a payload is damaged, no search can read it either, and what is beside it is indexed all the same.</param>
    /// <param name="grams">Gets them.</param>
    public static void Add(IReadOnlyList<StoredSpan> spans, TextGramSet grams)
    {
        try
        {
            Array.ForEach(StoredSpan.Decode(spans), span => Add(span, grams));
        }
        catch (Exception e) when (IsDamage(e))
        {
            foreach (var span in spans)
            {
                Add(DecodeAlone(span, spans) ?? span.Columns, grams);
            }
        }
    }

    private static SpanRecord? DecodeAlone(StoredSpan span, IReadOnlyList<StoredSpan> spans)
    {
        try
        {
            var owner = PayloadFrame.OwnerOf(span.Codec, span.Payload) is { } id ? spans.FirstOrDefault(each => each.Columns.SpanId == id)?.Payload : null;
            return SpanPayload.Decode(span.Columns, span.Codec, span.Payload, owner);
        }
        catch (Exception e) when (IsDamage(e))
        {
            return null;
        }
    }

    private static bool IsDamage(Exception e) => e is JsonException or ZstdException or InvalidDataException or InvalidOperationException;

    private static void Add(SpanRecord span, TextGramSet grams)
    {
        TextGrams.Of(new SpanContent(span).Text, grams);

        // It stands in span.content alone.
        TextGrams.Of(span.Type, grams);
    }
}
