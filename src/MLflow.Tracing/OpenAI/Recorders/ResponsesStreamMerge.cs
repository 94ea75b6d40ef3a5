using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Merges the events of a streamed response to the response that is not streamed. The last event carries it whole. Where that does not come, the response
/// is put together from the one of the first event and from the items as far as they came.
/// </summary>
internal sealed class ResponsesStreamMerge : IStreamMerge
{
    private readonly List<ResponseItemMerge> _items = [];
    private byte[]? _response;
    private ApiError? _error;
    private bool _isComplete;
    private bool _hasContent;
    private string _type = "";

    public bool TryAdd(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> data, out bool hasContent)
    {
        hasContent = false;
        if (!JsonText.IsJsonObject(data))
        {
            return false;
        }

        var e = new ResponseEvent(data);
        var type = TypeOf(e.Text("type"u8), eventName);
        var response = e.Field("response"u8);
        if (response is [(byte)'{', ..])
        {
            hasContent = AddResponse(type, response);
        }
        else if (type is "error" || (type.Length == 0 && e.Field("error"u8) is [(byte)'{', ..]))
        {
            // Some servers send the fields of the error at the top, some below "error".
            _error = ApiErrorReader.ReadBody(data) ?? new ApiError(null, null, null);
        }
        else if (type.StartsWith("response.", StringComparison.Ordinal))
        {
            hasContent = AddPiece(type.AsSpan("response.".Length), e);
        }
        else if (ResponseEvent.Field(data, "object"u8).SequenceEqual("\"response\""u8))
        {
            // The answer as one event without a type.
            hasContent = AddResponse("response.completed", data);
        }

        _hasContent |= hasContent;
        return true;
    }

    public void Complete(RecordedFields fields)
    {
        if (_response is not null || _items.Count > 0)
        {
            ResponseReader.Read(Write(), fields, readsError: true);
        }

        fields.Error = _error ?? fields.Error;
        fields.IsStreamComplete = _isComplete;
    }

    private string TypeOf(ReadOnlySpan<byte> type, ReadOnlySpan<byte> eventName)
    {
        var name = type.IsEmpty ? eventName : type;

        // One text for a run of deltas.
        if (!Ascii.Equals(name, _type))
        {
            _type = Encoding.UTF8.GetString(name);
        }

        return _type;
    }

    /// <returns>True when it brought content that had not come in pieces.</returns>
    private bool AddResponse(string type, ReadOnlySpan<byte> response)
    {
        _isComplete |= type is "response.completed" or "response.failed" or "response.incomplete" or "response.cancelled" or "response.done";
        _response = response.ToArray();
        var output = ResponseEvent.Field(response, "output"u8);
        if (output is not [(byte)'[', ..])
        {
            return false;
        }

        var reader = new Utf8JsonReader(output, JsonText.ReaderOptions);
        reader.Read();
        if (_isComplete)
        {
            if (!reader.Read() || reader.TokenType == JsonTokenType.EndArray)
            {
                return false;
            }

            // Whole, so that nothing of the pieces is needed any more.
            _items.Clear();
            return !_hasContent;
        }

        // A stream that is taken up again begins with what there is already.
        var known = _items.Count > 0;
        for (var index = 0; !known && reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            var raw = JsonText.RawValue(ref reader, output);
            Insert(index, ResponseEvent.Content(ResponseEvent.Field(raw, "id"u8))).Value.Set(raw);
        }

        return false;
    }

    /// <summary>Adds an event that is about an item.</summary>
    private bool AddPiece(ReadOnlySpan<char> type, ResponseEvent e)
    {
        if (type is "output_item.added" or "output_item.done")
        {
            return AddItem(e, isDone: type is "output_item.done");
        }

        return type switch
        {
            "output_text.delta" or "output_text.done" => AddPartText(e, "content"u8, "content_index"u8, "\"output_text\""u8, "text"u8, "\"message\""u8),
            "output_text.annotation.added" => AddAnnotation(e),
            "refusal.delta" or "refusal.done" => AddPartText(e, "content"u8, "content_index"u8, "\"refusal\""u8, "refusal"u8, "\"message\""u8),
            "content_part.added" or "content_part.done" => AddPart(e, "content"u8, "content_index"u8, "\"message\""u8),
            "reasoning_part.added" or "reasoning_part.done" => AddPart(e, "content"u8, "content_index"u8, "\"reasoning\""u8),
            "reasoning_text.delta" or "reasoning_text.done" => AddPartText(e, "content"u8, "content_index"u8, "\"reasoning_text\""u8, "text"u8, "\"reasoning\""u8),
            "reasoning_summary_part.added" or "reasoning_summary_part.done" => AddPart(e, "summary"u8, "summary_index"u8, "\"reasoning\""u8),
            "reasoning_summary_text.delta" or "reasoning_summary_text.done" => AddPartText(e, "summary"u8, "summary_index"u8, "\"summary_text\""u8, "text"u8, "\"reasoning\""u8),
            "function_call_arguments.delta" or "function_call_arguments.done" => AddText(e, "arguments"u8, "\"function_call\""u8),
            "mcp_call_arguments.delta" or "mcp_call_arguments.done" => AddText(e, "arguments"u8, "\"mcp_call\""u8),
            "custom_tool_call_input.delta" or "custom_tool_call_input.done" => AddText(e, "input"u8, "\"custom_tool_call\""u8),
            "code_interpreter_call_code.delta" or "code_interpreter_call_code.done" => AddText(e, "code"u8, "\"code_interpreter_call\""u8),
            "apply_patch_call_operation_diff.delta" or "apply_patch_call_operation_diff.done" => AddDiff(e),
            "shell_call_command.added" or "shell_call_command.delta" or "shell_call_command.done" => AddCommand(e),
            "shell_call_output_content.delta" or "shell_call_output_content.done" => AddCommandOutput(e),
            "image_generation_call.partial_image" => AddPartialImage(e),
            "audio.delta" or "output_audio.delta" => AddAudio(e, "data"u8),
            "audio.transcript.delta" or "output_audio_transcript.delta" => AddAudio(e, "transcript"u8),
            _ => AddStatus(type, e),
        };
    }

    private bool AddItem(ResponseEvent e, bool isDone)
    {
        var raw = e.Field("item"u8);
        if (raw is not [(byte)'{', ..])
        {
            return false;
        }

        var id = ResponseEvent.Content(ResponseEvent.Field(raw, "id"u8));
        var index = e.Index("output_index"u8);

        // An item under the number of one that is done is another item: some servers number all items 0.
        var item = _items.FindLast(i => !i.IsDone && i.Index == index) ?? Find(id);
        if (item is null || ((item.IsDone || !isDone) && item.Id.Length > 0 && !id.SequenceEqual(item.Id)))
        {
            item = Insert(index, id);
        }

        item.Id = id.ToArray();
        item.Value.Set(raw);
        item.IsDone = isDone;
        if (!isDone)
        {
            // The model has chosen the tool; its name comes here and in no piece.
            return ResponseEvent.Content(ResponseEvent.Field(raw, "type"u8)).EndsWith("_call"u8) && ResponseEvent.Content(ResponseEvent.Field(raw, "name"u8)).Length > 0;
        }

        return !item.HasContent && (item.HasContent = IsContent(raw));
    }

    /// <summary>What the model or its tools made, as opposed to a list of tools or reasoning that cannot be read.</summary>
    private static bool IsContent(ReadOnlySpan<byte> item)
    {
        var type = ResponseEvent.Content(ResponseEvent.Field(item, "type"u8));
        return type.SequenceEqual("reasoning"u8)
            ? ResponseEvent.Field(item, "summary"u8).IndexOf((byte)'{') >= 0 || ResponseEvent.Field(item, "content"u8).IndexOf((byte)'{') >= 0
            : type.SequenceEqual("message"u8) || type.EndsWith("_call"u8);
    }

    private bool AddPart(ResponseEvent e, ReadOnlySpan<byte> list, ReadOnlySpan<byte> indexName, ReadOnlySpan<byte> rawItemType)
    {
        var part = e.Field("part"u8);
        if (part is [(byte)'{', ..] && ItemOf(e, rawItemType) is { IsDone: false } item)
        {
            item.Value.Member(list).Element(Math.Max(e.Index(indexName), 0)).Set(part);
        }

        return false;
    }

    private bool AddPartText(ResponseEvent e, ReadOnlySpan<byte> list, ReadOnlySpan<byte> indexName, ReadOnlySpan<byte> rawType, ReadOnlySpan<byte> name, ReadOnlySpan<byte> rawItemType)
    {
        if (ItemOf(e, rawItemType) is not { IsDone: false } item)
        {
            return false;
        }

        var part = item.Part(list, e.Index(indexName), rawType);
        var isDelta = !e.Field("delta"u8).IsEmpty;
        AddLogprobs(e.Field("logprobs"u8), part, isDelta);
        return AddText(e, item, part.Member(name), name);
    }

    private static void AddLogprobs(ReadOnlySpan<byte> logprobs, MergedValue part, bool isDelta)
    {
        if (logprobs is not [(byte)'[', ..] || logprobs.IndexOf((byte)'{') < 0)
        {
            return;
        }

        if (!isDelta)
        {
            part.Member("logprobs"u8).Set(logprobs);
            return;
        }

        var reader = new Utf8JsonReader(logprobs, JsonText.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            part.Member("logprobs"u8).Add(JsonText.RawValue(ref reader, logprobs));
        }
    }

    private bool AddText(ResponseEvent e, ReadOnlySpan<byte> name, ReadOnlySpan<byte> rawItemType) =>
        ItemOf(e, rawItemType) is { IsDone: false } item && AddText(e, item, item.Value.Member(name), name);

    /// <summary>Continues a text by the event's <c>delta</c>, or sets it to the event's field of the text's own name.</summary>
    private static bool AddText(ResponseEvent e, ResponseItemMerge item, MergedValue target, ReadOnlySpan<byte> name)
    {
        var delta = e.Field("delta"u8);
        if (!delta.IsEmpty)
        {
            var text = ResponseEvent.Content(delta);
            target.Append(text);
            item.HasContent |= !text.IsEmpty;
            return !text.IsEmpty;
        }

        var whole = e.Field(name);
        if (whole.IsEmpty)
        {
            return false;
        }

        target.Set(whole);
        var isNew = !item.HasContent && whole.Length > "\"\"".Length;
        item.HasContent |= isNew;
        return isNew;
    }

    private bool AddAnnotation(ResponseEvent e)
    {
        var annotation = e.Field("annotation"u8);
        if (!annotation.IsEmpty && ItemOf(e, "\"message\""u8) is { IsDone: false } item)
        {
            var annotations = item.Part("content"u8, e.Index("content_index"u8), "\"output_text\""u8).Member("annotations"u8);
            var index = e.Index("annotation_index"u8);
            if (index >= 0)
            {
                annotations.Element(index).Set(annotation);
            }
            else
            {
                annotations.Add(annotation);
            }
        }

        return false;
    }

    private bool AddDiff(ResponseEvent e) =>
        ItemOf(e, "\"apply_patch_call\""u8) is { IsDone: false } item && AddText(e, item, item.Value.Member("operation"u8).Member("diff"u8), "diff"u8);

    private bool AddCommand(ResponseEvent e) =>
        ItemOf(e, "\"shell_call\""u8) is { IsDone: false } item
            && AddText(e, item, item.Value.Member("action"u8).Member("commands"u8).Element(Math.Max(e.Index("command_index"u8), 0)), "command"u8);

    /// <summary>Pieces of what a command wrote, by the names of its outputs.</summary>
    private bool AddCommandOutput(ResponseEvent e)
    {
        if (ItemOf(e, "\"shell_call_output\""u8) is not { IsDone: false } item)
        {
            return false;
        }

        var index = Math.Max(e.Index("command_index"u8), 0);
        var output = item.Value.Member("output"u8);
        var delta = e.Field("delta"u8);
        if (delta is [(byte)'{', ..])
        {
            var reader = new Utf8JsonReader(delta, JsonText.ReaderOptions);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.ValueSpan;
                reader.Read();
                if (reader.TokenType == JsonTokenType.String)
                {
                    output.Element(index).Member(name).Append(reader.ValueSpan);
                }

                reader.Skip();
            }
        }

        var whole = e.Field("output"u8);
        if (whole is [(byte)'[', ..])
        {
            var reader = new Utf8JsonReader(whole, JsonText.ReaderOptions);
            reader.Read();
            for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
            {
                output.Element(index).Set(JsonText.RawValue(ref reader, whole));
            }
        }

        return false;
    }

    /// <summary>The image as far as it is drawn; the item's status tells that it is not the last.</summary>
    private bool AddPartialImage(ResponseEvent e)
    {
        var image = e.Field("partial_image_b64"u8);
        if (image.IsEmpty || ItemOf(e, "\"image_generation_call\""u8) is not { IsDone: false } item)
        {
            return false;
        }

        item.Value.Member("result"u8).Set(image);
        CopyTo(item, e, "size"u8);
        CopyTo(item, e, "quality"u8);
        CopyTo(item, e, "background"u8);
        CopyTo(item, e, "output_format"u8);
        item.HasContent = true;
        return true;
    }

    private static void CopyTo(ResponseItemMerge item, ResponseEvent e, ReadOnlySpan<byte> name)
    {
        var value = e.Field(name);
        if (!value.IsEmpty)
        {
            item.Value.Member(name).Set(value);
        }
    }

    private bool AddAudio(ResponseEvent e, ReadOnlySpan<byte> name)
    {
        if (ItemOf(e, "\"message\""u8) is not { IsDone: false } item)
        {
            return false;
        }

        return AddText(e, item, item.Part("content"u8, e.Index("content_index"u8), "\"output_audio\""u8).Member(name), name);
    }

    /// <summary>An event that says no more than how far a call of a tool is: <c>response.web_search_call.searching</c>.</summary>
    private bool AddStatus(ReadOnlySpan<char> type, ResponseEvent e)
    {
        var dot = type.IndexOf('.');
        if (dot > 0 && type[..dot].EndsWith("_call", StringComparison.Ordinal)
            && type[(dot + 1)..] is "in_progress" or "searching" or "interpreting" or "generating" or "completed" or "incomplete" or "failed"
            && ItemOf(e, default) is { IsDone: false } item)
        {
            item.Value.Member("status"u8).Set(Encoding.UTF8.GetBytes($"\"{type[(dot + 1)..]}\""));
        }

        return false;
    }

    /// <summary>The item that the event is about. One of which the beginning was not seen is added, when the event tells its type.</summary>
    private ResponseItemMerge? ItemOf(ResponseEvent e, ReadOnlySpan<byte> rawItemType)
    {
        var index = e.Index("output_index"u8);
        var id = e.Text("item_id"u8);
        var item = Find(id) ?? (index >= 0 ? _items.FindLast(i => i.Index == index) : id.IsEmpty && _items.Count > 0 ? _items[^1] : null);
        if (item is null && !rawItemType.IsEmpty)
        {
            item = Insert(index, id);
            if (!id.IsEmpty)
            {
                item.Value.Member("id"u8).Set(e.Field("item_id"u8));
            }

            item.Value.Member("type"u8).Set(rawItemType);
        }

        return item;
    }

    private ResponseItemMerge? Find(ReadOnlySpan<byte> id)
    {
        for (var i = _items.Count - 1; i >= 0 && !id.IsEmpty; i--)
        {
            if (id.SequenceEqual(_items[i].Id))
            {
                return _items[i];
            }
        }

        return null;
    }

    private ResponseItemMerge Insert(int index, ReadOnlySpan<byte> id)
    {
        var item = new ResponseItemMerge(index >= 0 ? index : _items is [.., var last] ? last.Index : 0, id.ToArray());
        var at = _items.Count;
        while (at > 0 && _items[at - 1].Index > item.Index)
        {
            at--;
        }

        _items.Insert(at, item);
        return item;
    }

    private byte[] Write()
    {
        if (_items.Count == 0)
        {
            return _response!;
        }

        var buffer = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        writer.WriteStartObject();
        var hasOutput = false;
        if (_response is not null)
        {
            var reader = new Utf8JsonReader(_response, JsonText.ReaderOptions);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isOutput = reader.ValueSpan.SequenceEqual("output"u8);
                writer.WritePropertyName(JsonText.ReadString(ref reader));
                reader.Read();
                if (isOutput)
                {
                    hasOutput = true;
                    reader.Skip();
                    WriteItems(writer);
                }
                else
                {
                    writer.WriteRawValue(JsonText.RawValue(ref reader, _response), skipInputValidation: true);
                }
            }
        }

        if (!hasOutput)
        {
            writer.WritePropertyName("output"u8);
            WriteItems(writer);
        }

        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private void WriteItems(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach (var item in _items)
        {
            item.Value.Write(writer);
        }

        writer.WriteEndArray();
    }
}
