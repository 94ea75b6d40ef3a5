using System.Text.Json;

namespace MLflow;

/// <summary>Facts of answers about vectors, images, audio and moderation that are worth an attribute.</summary>
internal static class MediaFacts
{
    public static void OfEmbeddings(JsonElement answer, RecordedFields fields)
    {
        if (Items(answer, "data") is not { } data)
        {
            return;
        }

        Add(fields, AttributeNames.EmbeddingCount, data.GetArrayLength());
        foreach (var item in data.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty("embedding", out var vector))
            {
                // As base64 a vector is the bytes of its numbers, four each.
                var dimensions = vector.ValueKind switch
                {
                    JsonValueKind.Array => vector.GetArrayLength(),
                    JsonValueKind.String when vector.TryGetBytesFromBase64(out var bytes) => bytes.Length / sizeof(float),
                    _ => 0,
                };
                if (dimensions > 0)
                {
                    Add(fields, AttributeNames.EmbeddingDimensions, dimensions);
                }

                return;
            }
        }
    }

    public static void OfImages(JsonElement answer, RecordedFields fields)
    {
        if (Items(answer, "data") is { } data)
        {
            Add(fields, AttributeNames.ImageCount, data.GetArrayLength());
        }
    }

    public static void OfTranscription(JsonElement answer, RecordedFields fields)
    {
        var seconds = Number(answer, "duration")
            ?? (answer.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object ? Number(usage, "seconds") : null);
        if (seconds is { } duration)
        {
            fields.Attributes.Add(new(AttributeNames.AudioDuration, AttributeValue.FromDouble(duration)));
        }
    }

    public static void OfModeration(JsonElement answer, RecordedFields fields)
    {
        if (Items(answer, "results") is { } results && results.GetArrayLength() > 0)
        {
            var isFlagged = results.EnumerateArray().Any(result =>
                result.ValueKind == JsonValueKind.Object && result.TryGetProperty("flagged", out var flagged) && flagged.ValueKind == JsonValueKind.True);
            fields.Attributes.Add(new(AttributeNames.ModerationFlagged, AttributeValue.FromBoolean(isFlagged)));
        }
    }

    private static JsonElement? Items(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items : null;

    private static double? Number(JsonElement value, string name) =>
        value.TryGetProperty(name, out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetDouble(out var result) ? result : null;

    private static void Add(RecordedFields fields, string name, int count) => fields.Attributes.Add(new(name, AttributeValue.FromInt64(count)));
}
