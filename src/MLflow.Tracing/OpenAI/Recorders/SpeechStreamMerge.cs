using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>
/// Merges the events of streamed speech (<c>speech.audio.*</c>) to what is recorded of an audio that comes as a whole, with the fields of the last event
/// beside it.
/// </summary>
internal sealed class SpeechStreamMerge : ObjectStreamMerge
{
    private readonly ArrayBufferWriter<byte> _audio = new();
    private readonly JsonObject _rest = [];
    private bool _isDone;

    public override void Complete(RecordedFields fields)
    {
        fields.IsStreamComplete = _isDone;
        if (_audio.WrittenCount == 0 && _rest.Count == 0)
        {
            fields.Error = Error;
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        json.WriteStartObject();
        BinaryBody.WriteFields(json, _audio.WrittenSpan, _isDone ? BinaryBody.Measure(_audio.WrittenSpan) : null, MediaSignature.ContentTypeOf(_audio.WrittenSpan), "outputs", fields);
        foreach (var (name, value) in _rest)
        {
            json.WritePropertyName(name);
            if (value is null)
            {
                json.WriteNullValue();
            }
            else
            {
                value.WriteTo(json);
            }
        }

        json.WriteEndObject();
        json.Flush();
        ResponseReader.Read(buffer.WrittenSpan, fields);
        fields.Error = Error;
    }

    protected override bool Add(JsonObject parsed)
    {
        var hasContent = false;
        if (EventJson.Text(parsed, "audio") is { Length: > 0 } audio)
        {
            // Each piece is base64 by itself, with padding of its own.
            var room = _audio.GetSpan(Base64.GetMaxDecodedFromUtf8Length(audio.Length));
            if (Convert.TryFromBase64String(audio, room, out var written))
            {
                _audio.Advance(written);
                parsed.Remove("audio");
                hasContent = written > 0;
            }
        }

        _isDone |= EventJson.Text(parsed, "type") == "speech.audio.done";
        EventJson.MoveTo(parsed, _rest, "type", "sequence_number");
        return hasContent;
    }
}
