using System.Text;

namespace MLflow;

/// <summary>Reads an event stream into a merge and notes its chunks and their times.</summary>
internal static class StreamReading
{
    public static void Read(in RecordedBody body, ReadOnlySpan<BodyMark> marks, IStreamMerge merge, RecordedFields fields)
    {
        var bytes = JsonText.ValidUtf8(body.Bytes);
        var events = new ServerSentEvents(bytes);
        var chunks = new ChunkLogBuilder(fields.Limits, bytes.Length)
        {
            MayHaveTypes = bytes.IndexOf("type\""u8) >= 0,
            MayHaveVectors = MediaTrimmer.MayHaveVectors(bytes),
        };
        StringBuilder? text = null;
        var mark = 0;
        long lastContent = 0;
        while (events.MoveNext())
        {
            var data = events.Data;
            if (data.SequenceEqual("[DONE]"u8))
            {
                fields.SawDone = true;
                fields.DoneEvent = events.Event.IsEmpty ? null : Encoding.UTF8.GetString(events.Event);
                continue;
            }

            while (mark + 1 < marks.Length && marks[mark + 1].Offset < events.EndOffset)
            {
                mark++;
            }

            var time = marks.IsEmpty ? 0 : marks[mark].Time;
            var isJson = merge.TryAdd(events.Event, data, out var hasContent);
            if (!isJson)
            {
                if (!events.IsDispatched)
                {
                    // Cut off in mid-event: the program never saw it.
                    continue;
                }

                (text ??= new StringBuilder()).Append(Encoding.UTF8.GetString(data)).Append('\n');
            }

            if (hasContent)
            {
                if (fields.FirstTokenNs is not null)
                {
                    fields.LongestGapNs = Math.Max(fields.LongestGapNs ?? 0, time - lastContent);
                }

                fields.FirstTokenNs ??= time;
                fields.LastTokenNs = lastContent = time;
            }

            chunks.Add(data, events.Event, time, isJson);
        }

        fields.Chunks = chunks.Build();
        merge.Complete(fields);
        fields.IsStreamComplete |= fields.SawDone;
        if (fields.Outputs.Kind == AttributeValueKind.Null && text is not null)
        {
            fields.Outputs = AttributeValue.FromString(text.ToString(0, text.Length - 1));
        }
    }
}
