using System.Text.Json;

namespace MLflow;

/// <summary>
/// Records an operation by the form of its bodies: JSON, a form with files, text, binary content, a stream of events. What is special about an operation
/// is given to it: how its stream merges, and which facts its answer holds.
/// </summary>
internal sealed class BodyFormRecorder : IRecorder
{
    public static readonly BodyFormRecorder Instance = new();

    private readonly Func<IStreamMerge> _merge;
    private readonly Action<JsonElement, RecordedFields>? _facts;

    /// <param name="merge">Makes the merge of a stream; without, the output of a stream is the list of its events.</param>
    /// <param name="facts">Reads facts of an answer in JSON.</param>
    public BodyFormRecorder(Func<IStreamMerge>? merge = null, Action<JsonElement, RecordedFields>? facts = null)
    {
        _merge = merge ?? (() => new ListMerge());
        _facts = facts;
    }

    public void RecordRequest(in RecordedBody body, RecordedFields fields)
    {
        if (body.IsOfType("multipart/form-data"))
        {
            MultipartForm.Read(body, fields);
        }
        else if (IsBinary(body))
        {
            BinaryBody.Read(body, fields, "inputs", isRequest: true);
        }
        else
        {
            RequestReader.Read(body, fields);
        }
    }

    public void RecordResponse(in RecordedBody body, RecordedFields fields)
    {
        if (IsBinary(body))
        {
            BinaryBody.Read(body, fields, "outputs", isRequest: false);
            return;
        }

        ResponseReader.Read(body, fields);
        ReadFacts(fields);
    }

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields)
    {
        StreamReading.Read(body, marks, _merge(), fields);
        ReadFacts(fields);
    }

    /// <summary>What says that it is text or JSON is recorded as such; of the rest, what can be text only if it says so.</summary>
    private static bool IsBinary(in RecordedBody body)
    {
        var type = body.ContentType?.Split(';')[0].Trim().ToLowerInvariant();
        return type switch
        {
            null or "" => body.Bytes.IndexOf((byte)0) >= 0,
            "application/sdp" or "application/x-subrip" or "application/x-www-form-urlencoded" => false,
            _ when type.StartsWith("text/", StringComparison.Ordinal) => false,
            _ when type.EndsWith("/json", StringComparison.Ordinal) || type.EndsWith("+json", StringComparison.Ordinal) => false,
            _ => true,
        };
    }

    private void ReadFacts(RecordedFields fields)
    {
        if (_facts is null || fields.Outputs.Kind != AttributeValueKind.Json)
        {
            return;
        }

        try
        {
            var reader = new Utf8JsonReader(fields.Outputs.Json, JsonText.ReaderOptions);
            using var document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                _facts(document.RootElement, fields);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // Facts are read from what has the expected shape.
        }
    }
}
