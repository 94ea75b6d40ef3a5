using MLflow.Server.Assessments;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class StepContentsTests : IAsyncDisposable
{
    private const int Steps = 3000;
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDatabase _database;
    private readonly SqliteTraceStore _store;
    private readonly string _id = SomeTrace.NewOtelId();

    public StepContentsTests()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        _store = new SqliteTraceStore(_database);
    }

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Read_LargeTrace_HasFewContentsAndTheSumsOfAll()
    {
        var data = await ReadAsync();
        var tree = data.View!.Tree;
        var whole = SpanTree.Build(await _store.GetSpansAsync("tr-" + _id, Token));

        Assert.True(tree.IsSkeleton);
        Assert.InRange(tree.Rows.Count(node => !node.Span.Record.IsSkeleton), 1, 800);
        Assert.Equal(whole.Rows.Select(Facts), tree.Rows.Select(Facts));
        Assert.Equal(whole.ErrorOrigins.Select(node => (node.Number, node.Span.Error!.Line)), tree.ErrorOrigins.Select(node => (node.Number, node.Span.Error!.Line)));
        Assert.Equal(new TraceView(data.Info!, whole, DateTimeOffset.UnixEpoch).Title, data.View.Title);

        static object Facts(SpanNode node) => (node.Id, node.Number, node.Depth, node.Sums, node.Span.Title, node.Span.StartMs, node.Span.EndMs, node.ModelCall, node.IsErrorOrigin);
    }

    [Fact]
    public async Task Bring_AroundAStep_ReadsItAsTheWholeTraceDoes()
    {
        var data = await ReadAsync();
        var whole = SpanTree.Build(await _store.GetSpansAsync("tr-" + _id, Token));

        // A call in the middle, whose tool runs after it, and that tool.
        foreach (var number in (int[])[1502, 1503])
        {
            var node = data.View!.Tree.Rows[number - 1];
            Assert.True(node.Span.Record.IsSkeleton || number == 1503);
            await data.Contents!.BringAsync(_store, data.Contents.Around(node), Token);

            Assert.Equivalent(whole.Rows[number - 1].Span.Record, node.Span.Record, strict: true);
            var (read, of) = (ChatTranscript.Of(node, data.View.Tree), ChatTranscript.Of(whole.Rows[number - 1], whole));
            Assert.Equal(of?.Messages.Select(Said), read?.Messages.Select(Said));
            Assert.Equal((of?.SharedCount, of?.SharedWith?.Number), (read?.SharedCount, read?.SharedWith?.Number));
        }

        static string Said(ChatMessage message) => $"{message.Role}: {message.Text} {string.Join(' ', message.Calls.Select(call => $"{call.Name} ran as {call.RanAs?.Number}"))}";
    }

    [Fact]
    public async Task Bring_StepThatIsGone_SaysSo()
    {
        var data = await ReadAsync();
        await _store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + _id] }, Token);
        var node = data.View!.Tree.Rows[1500];

        await data.Contents!.BringAsync(_store, [node], Token);

        Assert.Equal("\"The content of this span cannot be shown: it has been deleted.\"", node.Span.Record[SpanBlobs.LostAttribute]);
    }

    [Fact]
    public async Task MayHaveChanged_LargeTrace_OnlyWhenItsFiguresDid()
    {
        var data = await ReadAsync();
        Assert.False(await data.MayHaveChangedAsync(_store, Token));

        await _store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(_id, Steps + 1, 1, startMs: Steps * 10)), Token);
        Assert.True(await data.MayHaveChangedAsync(_store, Token));

        await _store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + _id] }, Token);
        Assert.True(await data.MayHaveChangedAsync(_store, Token));
    }

    [Theory]
    [InlineData("tag")]
    [InlineData("metadata")]
    [InlineData("assessment")]
    [InlineData("preview")]
    public async Task MayHaveChanged_LargeTrace_AlsoWhenWhatStandsBesideItsSpansDid(string what)
    {
        var data = await ReadAsync();
        switch (what)
        {
            case "tag":
                await _store.SetTagAsync("tr-" + _id, "env", "production", Token);
                break;
            case "assessment":
                await new SqliteAssessmentStore(_database).CreateAsync(new AssessmentRecord { AssessmentId = "a-1", TraceId = "tr-" + _id, Name = "helpful", Type = AssessmentType.Feedback, Value = "true", SourceType = "HUMAN", CreateTimeMs = 1, LastUpdateTimeMs = 1 }, Token);
                break;
            default:
                var info = data.Info! with { RequestPreview = what == "preview" ? "How large?" : data.Info.RequestPreview, Metadata = new Dictionary<string, string>(data.Info.Metadata) { ["k"] = what == "metadata" ? "1" : "" } };
                await _store.WriteAsync(new TraceBatch { ExperimentId = 0, Infos = [info] }, Token);
                break;
        }

        Assert.True(await data.MayHaveChangedAsync(_store, Token));
        Assert.False(await (await AgainAsync(data, DateTimeOffset.UnixEpoch)).MayHaveChangedAsync(_store, Token));
    }

    [Fact]
    public async Task ReadAgain_LargeTraceThatGrew_KeepsContentsOfStepsThatHadEndedAWhileBefore()
    {
        var data = await ReadAsync();
        var (middle, changed) = (data.View!.Tree.Rows[1001], data.View.Tree.Rows[1003]);
        await data.Contents!.BringAsync(_store, [middle, changed], Token);
        await _store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(_id, Steps + 1, 1, startMs: Steps * 10), SomeTrace.Span(_id, changed.Number, 1, "chat again", "CHAT_MODEL", startMs: changed.Number * 10, durationMs: 9)), Token);
        var end = DateTimeOffset.FromUnixTimeMilliseconds(middle.Span.Record.EndNs!.Value / 1_000_000);

        var soon = (await AgainAsync(data, end.AddSeconds(50))).View!.Tree;
        var later = (await AgainAsync(data, end.AddSeconds(70))).View!.Tree;

        Assert.Equal((Steps + 1, true), (later.Rows.Count, soon.Find(middle.Id)!.Span.Record.IsSkeleton));
        Assert.Equivalent(middle.Span.Record, later.Find(middle.Id)!.Span.Record, strict: true);
        Assert.Equal(("chat again", true), (later.Find(changed.Id)!.Span.Record.Name, later.Find(changed.Id)!.Span.Record.IsSkeleton));
    }

    [Fact]
    public async Task ReadAgain_ContentThatCouldNotBeHad_IsAskedForAgain()
    {
        var data = await ReadAsync();
        var node = data.View!.Tree.Rows[1500];
        var end = DateTimeOffset.FromUnixTimeMilliseconds(node.Span.Record.EndNs!.Value / 1_000_000);

        // Another database has not got it.
        await using (var other = SqliteDatabase.Open(_folder.File("other.db"), TimeProvider.System))
        {
            await data.Contents!.BringAsync(new SqliteTraceStore(other), [node], Token);
        }

        Assert.NotNull(node.Span.Record[SpanBlobs.LostAttribute]);
        var again = await AgainAsync(data, end.AddSeconds(70));
        Assert.True(again.View!.Tree.Find(node.Id)!.Span.Record.IsSkeleton);
        await again.Contents!.BringAsync(_store, [again.View.Tree.Find(node.Id)!], Token);
        Assert.Equal("1500", again.View.Tree.Find(node.Id)!.Span.Inputs.GetProperty("at").GetRawText());
    }

    private Task<TracePageData> AgainAsync(TracePageData before, DateTimeOffset now) => TracePageData.ReadAsync(_store, new SqliteExperimentStore(_database), "tr-" + _id, now, Token, before);

    // An agent that again and again calls a model, which asks for a tool, which runs.
    private async Task<TracePageData> ReadAsync()
    {
        var spans = Enumerable.Range(1, Steps).Select(i => i == 1 ? SomeTrace.Span(_id, 1, name: "agent", type: "AGENT", durationMs: Steps * 10, attributes: ("mlflow.spanInputs", """{"question": "How large?"}"""))
            : i % 2 == 0 ? SomeTrace.Span(_id, i, 1, "chat", "CHAT_MODEL", startMs: i * 10, durationMs: 9, attributes:
            [
                ("mlflow.llm.model", "\"gpt-4o\""), ("mlflow.chat.tokenUsage", """{"input_tokens": 7, "output_tokens": 1}"""),
                ("mlflow.spanInputs", $$"""{"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "turn"}, {"role": "user", "content": "{{i}}"}]}"""),
                ("mlflow.spanOutputs", $$$"""{"choices": [{"message": {"role": "assistant", "tool_calls": [{"id": "c{{{i}}}", "type": "function", "function": {"name": "look", "arguments": "{\"at\": {{{i}}}}"}}]}}]}"""),
            ])
            : SomeTrace.Span(_id, i, 1, "look", "TOOL", i % 500 == 1 ? SpanStatus.Error : SpanStatus.Ok, startMs: i * 10, durationMs: 9, attributes: ("mlflow.spanInputs", $$"""{"at": {{i - 1}}}""")) with { StatusMessage = i % 500 == 1 ? "not there" : null });
        await _store.WriteAsync(new TraceBatch { Spans = [.. spans] }, Token);
        return await TracePageData.ReadAsync(_store, new SqliteExperimentStore(_database), "tr-" + _id, DateTimeOffset.UnixEpoch, Token);
    }
}
