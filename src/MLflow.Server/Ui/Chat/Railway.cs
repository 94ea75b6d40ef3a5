namespace MLflow.Server.Ui.Chat;

/// <summary>Lays a conversation out as a railway: rows in one grid, and a siding for each tool call.</summary>
public sealed class Railway
{
    /// <summary>More parallel tracks than this share lanes: the numbers still tell them apart.</summary>
    public const int MostLanes = 6;

    private Railway(IReadOnlyList<RailRow> rows, IReadOnlyList<Siding> sidings)
    {
        Rows = rows;
        Sidings = sidings;
        Lanes = sidings.Count == 0 ? 0 : sidings.Max(siding => siding.Lane) + 1;
    }

    public IReadOnlyList<RailRow> Rows { get; }

    public IReadOnlyList<Siding> Sidings { get; }

    public int Lanes { get; }

    /// <summary>Lays out the messages that are shown.</summary>
    /// <param name="messages">In order.</param>
    /// <param name="firstRow">Grid row of the first message: what stands above has the rows before.</param>
    public static Railway Of(IEnumerable<ChatMessage> messages, int firstRow = 1)
    {
        var rows = new List<RailRow>();
        foreach (var message in messages)
        {
            rows.Add(new RailRow(firstRow + rows.Count, message, null));
            foreach (var call in message.Calls)
            {
                rows.Add(new RailRow(firstRow + rows.Count, message, call));
            }
        }

        return new Railway(rows, Lay(rows));
    }

    private static List<Siding> Lay(List<RailRow> rows)
    {
        var tracks = rows.Where(row => row.Call is not null)
            .Select(row => (row.Call!.Number, From: row.Row, To: ResultRow(rows, row.Call), IsFailed: row.Call.RanAs?.Span.IsFailed == true))
            .ToList();
        var sidings = new List<Siding>();
        var busyUntil = new List<int>();

        // Of calls made together the first returns first and so takes the outermost lane, as tracks that do not cross would.
        foreach (var group in tracks.GroupBy(track => rows.First(row => row.Row == track.From).Message))
        {
            var lanes = new List<int>();
            foreach (var track in group)
            {
                var lane = Enumerable.Range(0, MostLanes).FirstOrDefault(lane => !lanes.Contains(lane) && (lane >= busyUntil.Count || busyUntil[lane] <= track.From), MostLanes - 1);
                lanes.Add(lane);
            }

            foreach (var (track, lane) in group.Zip(lanes.OrderDescending()))
            {
                while (busyUntil.Count <= lane)
                {
                    busyUntil.Add(0);
                }

                busyUntil[lane] = Math.Max(busyUntil[lane], track.To ?? track.From);
                sidings.Add(new Siding(track.Number, track.From, track.To, lane, track.IsFailed));
            }
        }

        return sidings;
    }

    private static int? ResultRow(List<RailRow> rows, ToolCall call) => rows.FirstOrDefault(row => row.Call is null && ReferenceEquals(row.Message.Answers, call))?.Row;
}
