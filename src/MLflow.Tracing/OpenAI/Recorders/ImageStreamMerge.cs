using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>
/// Merges the events of a streamed image (<c>image_generation.*</c>, <c>image_edit.*</c>) to the answer that is not streamed. Partial images are counted;
/// the last one is the output only when no image was completed.
/// </summary>
internal sealed class ImageStreamMerge : ObjectStreamMerge
{
    private readonly JsonObject _answer = [];
    private readonly JsonArray _images = [];
    private JsonObject? _lastPartial;
    private int _partialCount;

    public override void Complete(RecordedFields fields)
    {
        fields.IsStreamComplete = _images.Count > 0;
        if (_images.Count == 0 && _lastPartial is not null)
        {
            Complete(_lastPartial);
        }

        if (_images.Count > 0)
        {
            _answer["data"] = _images;
        }

        if (_answer.Count > 0)
        {
            ResponseReader.Read(EventJson.ToBytes(_answer), fields);
        }

        if (_partialCount > 0)
        {
            fields.Attributes.Add(new(AttributeNames.PartialImageCount, AttributeValue.FromInt64(_partialCount)));
        }

        fields.Error = Error;
    }

    protected override bool Add(JsonObject parsed)
    {
        var type = EventJson.Text(parsed, "type") ?? "";
        var hasContent = parsed.ContainsKey("b64_json") || parsed.ContainsKey("url");
        if (type.EndsWith(".partial_image", StringComparison.Ordinal))
        {
            _partialCount++;
            _lastPartial = parsed;
        }
        else
        {
            Complete(parsed);
        }

        return hasContent;
    }

    /// <summary>The image goes among the images, what describes it to the top, as in the answer that is not streamed.</summary>
    private void Complete(JsonObject parsed)
    {
        JsonObject image = [];
        foreach (var name in (ReadOnlySpan<string>)["b64_json", "url", "revised_prompt"])
        {
            if (parsed[name] is { } value)
            {
                parsed.Remove(name);
                image[name] = value;
            }
        }

        if (image.Count > 0)
        {
            _images.Add((JsonNode)image);
        }

        if (parsed["created_at"] is { } created)
        {
            parsed.Remove("created_at");
            _answer["created"] = created;
        }

        EventJson.MoveTo(parsed, _answer, "type", "sequence_number", "partial_image_index");
    }
}
