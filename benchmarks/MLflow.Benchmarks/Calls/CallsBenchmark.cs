using System.Globalization;

namespace MLflow.Benchmarks.Calls;

/// <summary>
/// What tracing adds to a chat call, to a stream of 500 chunks and to a request that is none of ours. The kinds of tracing take turns, round by
/// round, and a round's figures are compared with those of the same round without tracing, so that what else the machine does falls on all alike.
/// </summary>
internal static class CallsBenchmark
{
    private const int WarmUps = 3;
    private const int Rounds = 40;
    private const int FirstCalls = 300;
    private const int ChatCalls = 500;
    private const int StreamCalls = 20;
    private const int UnrelatedCalls = 2000;
    private static readonly Tracing[] Kinds = [Tracing.None, Tracing.Autolog, Tracing.ExtensionsAI];

    /// <param name="only"><c>chat</c>, <c>stream</c> or <c>get</c>, to measure that alone.</param>
    public static void Run(string? only)
    {
        // A thread of its own: nothing else is ever counted to it.
        var thread = new Thread(() => Measure(only));
        thread.Start();
        thread.Join();
    }

    private static void Measure(string? only)
    {
        using var collector = CompanionProcess.Start("collector");
        using var programs = new CallPrograms(collector.Address);
        Console.WriteLine($"Added to a call, median of {Rounds} rounds and the middle half of them. Time is CPU time{(ThreadClock.IsCpuTime ? "" : " of the process, and the wall clock for the calling thread")}.");
        if (only is null or "chat")
        {
            ReportAgainst("chat call", Compare(ChatCalls, Kinds, programs.Chat, programs), (0.5, 0.3, 1.0));
        }

        if (only is null or "stream")
        {
            ReportAgainst("stream of 500 chunks", Compare(StreamCalls, Kinds, programs.Stream, programs), (0.3, null, null));
        }

        if (only is null or "get")
        {
            MeasureUnrelated(programs);
        }

        var flushed = Mlflow.FlushAsync().GetAwaiter().GetResult();

        // A dropped trace costs less than a sent one: figures with drops would flatter us.
        Console.WriteLine($"Autolog: {flushed.Exported} traces exported, {flushed.Pending} pending, {flushed.Dropped} dropped.");
    }

    private static void MeasureUnrelated(CallPrograms programs)
    {
        var heads = new Dictionary<Tracing, string>();
        var costs = Compare(
            UnrelatedCalls,
            [Tracing.None, Tracing.Autolog],
            tracing =>
            {
                programs.Unrelated();
                heads[tracing] = programs.UnrelatedHead;
            },
            programs);
        ReportUnrelated(costs, heads[Tracing.None] == heads[Tracing.Autolog]);
    }

    private static Dictionary<Tracing, List<Cost>> Compare(int calls, Tracing[] kinds, Action<Tracing> call, CallPrograms programs)
    {
        var costs = kinds.ToDictionary(kind => kind, _ => new List<Cost>());
        for (var round = 0; round < WarmUps + Rounds; round++)
        {
            for (var turn = 0; turn < kinds.Length; turn++)
            {
                var kind = kinds[(turn + round) % kinds.Length];
                Mlflow.OpenAI.Autolog(disable: kind != Tracing.Autolog);

                // Turned on anew, tracing has empty pools; a program turns it on once.
                for (var i = 0; i < FirstCalls; i++)
                {
                    call(kind);
                }

                programs.Flush(kind);
                var cost = Cost.Of(calls, () => call(kind), () => programs.Flush(kind));
                if (round >= WarmUps)
                {
                    costs[kind].Add(cost);
                }
            }
        }

        Mlflow.OpenAI.Autolog(disable: true);
        return costs;
    }

    private static void ReportAgainst(string what, Dictionary<Tracing, List<Cost>> costs, (double Time, double? Bytes, double? Process) targets)
    {
        Console.WriteLine();
        Console.WriteLine($"| {what} | no tracing | Autolog adds | Extensions.AI + OTLP adds | ratio | target | |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        Row("calling thread, µs", cost => cost.ThreadNs, figure => figure.Microseconds(), targets.Time);
        Row("calling thread, bytes", cost => cost.ThreadBytes, figure => figure.Bytes(), targets.Bytes);
        Row("process, µs", cost => cost.ProcessNs, figure => figure.Microseconds(), targets.Process);
        Row("process, bytes", cost => cost.ProcessBytes, figure => figure.Bytes(), null);

        void Row(string name, Func<Cost, double> of, Func<Figure, string> text, double? target)
        {
            var none = costs[Tracing.None];
            var ours = Added(none, costs[Tracing.Autolog], of);
            var other = Added(none, costs[Tracing.ExtensionsAI], of);
            var ratio = ours.Median / other.Median;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {text(Figure.Of(none.Select(of)))} | {text(ours)} | {text(other)} | {ratio:0.00} | {(target is { } most ? $"≤ {most:0.0}" : "")} | {(target is null ? "" : Verdict(ratio <= target))} |"));
        }
    }

    private static void ReportUnrelated(Dictionary<Tracing, List<Cost>> costs, bool areHeadsEqual)
    {
        var time = Added(costs[Tracing.None], costs[Tracing.Autolog], cost => cost.ThreadNs);
        var bytes = Added(costs[Tracing.None], costs[Tracing.Autolog], cost => cost.ThreadBytes);
        Console.WriteLine();
        Console.WriteLine("| unrelated GET | no tracing | Autolog adds | target | |");
        Console.WriteLine("|---|---|---|---|---|");
        Console.WriteLine($"| calling thread, µs | {Figure.Of(costs[Tracing.None].Select(cost => cost.ThreadNs)).Microseconds()} | {time.Microseconds()} | ≤ 1 | {Verdict(time.Median <= 1000)} |");
        Console.WriteLine($"| calling thread, bytes | {Figure.Of(costs[Tracing.None].Select(cost => cost.ThreadBytes)).Bytes()} | {bytes.Bytes()} | ≤ 128 | {Verdict(bytes.Median <= 128)} |");
        Console.WriteLine($"| headers | | {(areHeadsEqual ? "none" : "some")} | none | {Verdict(areHeadsEqual)} |");
        Console.WriteLine();
    }

    private static Figure Added(List<Cost> none, List<Cost> traced, Func<Cost, double> of) => Figure.Of(traced.Zip(none, (t, n) => of(t - n)));

    private static string Verdict(bool isMet) => isMet ? "PASS" : "MISS";
}
