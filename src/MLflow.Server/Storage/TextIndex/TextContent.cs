using System.Text.Json;
using MLflow.Server.Blobs;
using MLflow.Server.Storage.Sql;
using ZstdSharp;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>Says the grams of all that searches find in a trace.</summary>
internal static class TextContent
{
    [ThreadStatic]
    private static SearchedText? _text;

    public static void AddPreview(string? preview, TextGramSet grams) => TextGrams.Of(preview, grams);

    /// <param name="spans">All spans of a trace. Where a payload is damaged, no search can read it either, and what is beside it is indexed all the same.</param>
    /// <param name="grams">Gets them.</param>
    /// <param name="blobs">Reads what lies in the blob store, and throws where that is not to be had now: no gram may be left out for that.</param>
    public static void Add(IReadOnlyList<StoredSpan> spans, TextGramSet grams, Func<string, BlobContent> blobs)
    {
        var text = _text ??= new SearchedText();
        foreach (var (span, owner) in StoredSpan.ByFrame(spans))
        {
            try
            {
                TextGrams.Of(text.Read(span.Columns, span.Json(owner, blobs)), grams);
            }
            catch (Exception e) when (e is JsonException or ZstdException or InvalidDataException or InvalidOperationException or ArgumentException)
            {
                TextGrams.Of(text.Read(span.Columns, []), grams);
            }

            // It stands in span.content alone.
            TextGrams.Of(span.Columns.Type, grams);
        }
    }
}
