using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Pricing;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every <see cref="ITraceStore"/> must do. A store's tests derive from it.</summary>
public abstract partial class TraceStoreConformance : IAsyncLifetime
{
    /// <summary>The store's clock.</summary>
    private protected FakeTimeProvider Clock { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(StartMs));

    private protected ITraceStore Store { get; private set; } = null!;

    private protected IExperimentStore Experiments { get; private set; } = null!;

    protected static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => (Store, Experiments) = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<(ITraceStore Traces, IExperimentStore Experiments)> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task FindBySpan_Id_NamesTheTracesThatHaveIt()
    {
        var (first, second) = (SomeTrace.NewOtelId(), SomeTrace.NewOtelId());
        await Store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(first, 1), SomeTrace.Span(first, 0x7711, 1)), Cancellation);
        await Store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(second, 1), SomeTrace.Span(second, 0x7712, 1)), Cancellation);

        Assert.Equal(["tr-" + second], await Store.FindBySpanAsync(SomeTrace.SpanId(0x7712), Cancellation));
        Assert.Empty(await Store.FindBySpanAsync("ffffffffffffffff", Cancellation));
    }

    [Fact]
    public async Task Write_SpansOfATrace_AreReadBackAsTheyWere()
    {
        var id = NewOtelId();
        var root = Span(id, 1, name: "ask 東京", type: "AGENT", durationMs: 500, attributes: [("mlflow.spanInputs", """{"q": "東京?"}"""), ("k", "1"), ("s", "\"str\""), ("n", "null")]) with
        {
            Events = [new SpanEventRecord("ev", 17, [KeyValuePair.Create("a", "[1, 2.5]")])],
            Resource = [KeyValuePair.Create("service.name", "\"app\"")],
            ScopeName = "scope",
            ScopeVersion = "1",
        };
        var child = Span(id, 2, parent: 1, name: "call", type: "CHAT_MODEL", status: SpanStatus.Error, startMs: 10, attributes: [("big", $"\"{new string('x', 5000)}\"")]) with { StatusMessage = "boom" };

        await Store.WriteAsync(Batch(child, root), Cancellation);

        var spans = await Store.GetSpansAsync("tr-" + id, Cancellation);
        Assert.Equal([root.SpanId, child.SpanId], spans.Select(span => span.SpanId));
        Assert.Equivalent(root, spans[0], strict: true);
        Assert.Equivalent(child, spans[1], strict: true);
    }

    [Fact]
    public async Task Write_SpansOnly_DerivesTheInfo()
    {
        var id = NewOtelId();
        await Store.WriteAsync(
            Batch(
                Span(id, 1, name: "ask", durationMs: 900, attributes:
                [
                    ("mlflow.spanInputs", """{"messages": [{"role": "system", "content": "be nice"}, {"role": "user", "content": "hi"}]}"""),
                    ("mlflow.spanOutputs", """{"choices": [{"message": {"role": "assistant", "content": "hello"}}]}"""),
                    ("session.id", "\"s-1\""),
                    ("user.id", "\"u-1\""),
                ]),
                Span(id, 2, parent: 1, type: "CHAT_MODEL", startMs: 50, attributes:
                [
                    ("mlflow.chat.tokenUsage", """{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "cache_read_input_tokens": 2}"""),
                    ("mlflow.llm.model", "\"gpt-4o\""),
                    ("mlflow.stream.time_to_first_token_ms", "20"),
                    ("mlflow.stream.end", "\"abandoned\""),
                ])),
            Cancellation);

        var info = await InfoAsync(id);
        Assert.Equal(0, info.ExperimentId);
        Assert.Equal(StartMs, info.RequestTimeMs);
        Assert.Equal(900, info.DurationMs);
        Assert.Equal(TraceState.Ok, info.State);
        Assert.Equal("hi", info.RequestPreview);
        Assert.Equal("hello", info.ResponsePreview);
        Assert.Equal("s-1", info.Metadata["mlflow.trace.session"]);
        Assert.Equal("u-1", info.Metadata["mlflow.trace.user"]);
        Assert.Equal("""{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "cache_read_input_tokens": 2}""", info.Metadata["mlflow.trace.tokenUsage"]);
        Assert.Equal("TRACKING_STORE", info.Tags["mlflow.trace.spansLocation"]);
        Assert.Equal($"mlflow-artifacts:/0/traces/tr-{id}/artifacts", info.Tags["mlflow.artifactLocation"]);
        Assert.Equal(
            new TraceFacts
            {
                Name = "ask",
                Model = "gpt-4o",
                InputTokens = 3,
                OutputTokens = 4,
                TotalTokens = 7,
                CachedInputTokens = 2,
                Cost = new CallCost(Input: 1 * 2_500_000 + 2 * 1_250_000, Output: 4 * 10_000_000),
                FirstTokenMs = 70,
                StreamEnd = "abandoned",
                SpanCount = 2,
            },
            info.Facts);
    }

    [Fact]
    public async Task Write_Calls_SumsTheirCostsAndNotWhatAWrapperSays()
    {
        var id = NewOtelId();
        await Store.WriteAsync(
            Batch(
                Span(id, 1, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 3000, "output_tokens": 300}"""), ("mlflow.llm.model", "\"gpt-4o\"")]),
                Span(id, 2, parent: 1),
                Span(id, 3, parent: 2, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 1000, "output_tokens": 100}"""), ("mlflow.llm.model", "\"gpt-4o\"")])),
            Cancellation);
        await Store.WriteAsync(
            Batch(Span(id, 4, parent: 2, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 2000, "output_tokens": 200}"""), ("mlflow.llm.model", "\"gpt-4o\"")])),
            Cancellation);

        var info = await InfoAsync(id);

        Assert.Equal(new CallCost(7_500_000_000, 3_000_000_000), info.Facts.Cost);
        Assert.Equal(0, info.Facts.UnpricedCalls);
        Assert.Equal("""{"input_cost": 0.0075, "output_cost": 0.003, "total_cost": 0.0105}""", info.Metadata["mlflow.trace.cost"]);
        var call = (await Store.GetSpansAsync("tr-" + id, Cancellation)).Single(span => span.SpanId == SpanId(3));
        Assert.Equal("""{"input_cost": 0.0025, "output_cost": 0.001, "total_cost": 0.0035}""", call["mlflow.llm.cost"]);
    }

    [Fact]
    public async Task Write_CallInAnotherConvention_KeepsItsCostWithItsSpan()
    {
        var id = NewOtelId();
        var call = Span(id, 1, attributes:
            [("gen_ai.operation.name", "\"chat\""), ("gen_ai.request.model", "\"gpt-4o\""), ("gen_ai.usage.input_tokens", "1000"), ("gen_ai.usage.output_tokens", "100")]);
        await Store.WriteAsync(Batch(call), Cancellation);
        await Store.WriteAsync(Batch(call), Cancellation);

        var span = Assert.Single(await Store.GetSpansAsync("tr-" + id, Cancellation));

        Assert.Equal(new CallCost(2_500_000_000, 1_000_000_000), (await InfoAsync(id)).Facts.Cost);
        Assert.Equal("""{"input_cost": 0.0025, "output_cost": 0.001, "total_cost": 0.0035}""", span["mlflow.llm.cost"]);
        Assert.DoesNotContain(span.Sent!.Attributes, attribute => attribute.Key.StartsWith("mlflow.llm.cost", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"input_tokens": 999999999999, "output_tokens": 999999999999}""", "gpt-4")]
    [InlineData("""{"input_tokens": 900000000000, "output_tokens": 900000000000}""", "o1-pro")]
    public async Task Write_UsageThatCannotBe_IsStoredWithoutACost(string usage, string model)
    {
        var id = NewOtelId();

        await Store.WriteAsync(Batch(Span(id, 1, attributes: [("mlflow.chat.tokenUsage", usage), ("mlflow.llm.model", $"\"{model}\"")])), Cancellation);

        Assert.Null((await InfoAsync(id)).Facts.Cost);
    }

    [Fact]
    public void LinkedPrompts_HalfACharacterInATag_IsReadAllTheSame() =>
        Assert.Equal("\ufffd/1", Assert.Single(LinkedPrompts.Read("""[{"name":"\ud800","version":"1"}]""")) is var prompt ? $"{prompt.Name}/{prompt.Version}" : "");

    [Theory]
    [InlineData("1e300")]
    [InlineData("-1")]
    public void TokenCounts_ThatCannotBe_AreUnknown(string count) => Assert.False(TokenCounts.Parse($$"""{"input_tokens": {{count}}}""").Any);

    [Fact]
    public async Task Write_DeepArgumentsInAnotherConvention_CanBeRead()
    {
        var id = NewOtelId();
        var deep = "\"" + new string('[', 1024) + new string(']', 1024) + "\"";

        await Store.WriteAsync(Batch(Span(id, 1, attributes: [("gen_ai.operation.name", "\"execute_tool\""), ("gen_ai.tool.call.arguments", deep)])), Cancellation);

        Assert.Single(await Store.GetSpansAsync("tr-" + id, Cancellation));
    }

    [Fact]
    public async Task Write_CallOfUnknownPrice_LeavesNoSumThatLooksWhole()
    {
        var id = NewOtelId();
        await Store.WriteAsync(
            Batch(Span(id, 1), Span(id, 2, parent: 1, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 1000}"""), ("mlflow.llm.model", "\"gpt-4o\"")])),
            Cancellation);
        Assert.Contains("mlflow.trace.cost", (await InfoAsync(id)).Metadata);

        await Store.WriteAsync(
            Batch(Span(id, 3, parent: 1, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 1000}"""), ("mlflow.llm.model", "\"kite-1\"")])),
            Cancellation);

        var info = await InfoAsync(id);
        Assert.Equal(new CallCost(2_500_000_000, 0), info.Facts.Cost);
        Assert.Equal(1, info.Facts.UnpricedCalls);
        Assert.DoesNotContain("mlflow.trace.cost", info.Metadata);
    }

    [Fact]
    public async Task Write_SameBatchAgain_ChangesNothing()
    {
        var id = NewOtelId();
        var batch = Batch(
            Span(id, 1, attributes: [("mlflow.spanInputs", "\"in\"")]),
            Span(id, 2, parent: 1, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}""")]));
        await Store.WriteAsync(batch, Cancellation);
        var first = await InfoAsync(id);

        await Store.WriteAsync(batch, Cancellation);

        Assert.Equivalent(first, await InfoAsync(id), strict: true);
        Assert.Equal(7, (await InfoAsync(id)).Facts.TotalTokens);
        Assert.Equal(2, (await Store.GetSpansAsync("tr-" + id, Cancellation)).Count);
    }

    [Fact]
    public async Task Write_UsageAtTwoLevels_CountsItOnce()
    {
        var id = NewOtelId();
        const string Usage = """{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}""";
        await Store.WriteAsync(
            Batch(
                Span(id, 1),
                Span(id, 2, parent: 1, attributes: [("mlflow.chat.tokenUsage", Usage)]),
                Span(id, 3, parent: 2),
                Span(id, 4, parent: 3, attributes: [("mlflow.chat.tokenUsage", Usage)]),
                Span(id, 5, parent: 1, attributes: [("mlflow.chat.tokenUsage", Usage)])),
            Cancellation);

        Assert.Equal(14, (await InfoAsync(id)).Facts.TotalTokens);
    }

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(0, 2, 1)]
    [InlineData(1, 0, 2)]
    [InlineData(1, 2, 0)]
    [InlineData(2, 0, 1)]
    [InlineData(2, 1, 0)]
    public async Task Write_InfoAndSpansInAnyOrder_EndTheSame(int first, int second, int third)
    {
        var experiment = await Experiments.CreateAsync($"order-{first}{second}{third}", null, new Dictionary<string, string>(), Cancellation);
        var id = NewOtelId();
        TraceBatch[] batches =
        [
            Batch(Span(id, 1, name: "root", durationMs: 300, attributes: [("mlflow.spanInputs", "\"in\""), ("mlflow.spanOutputs", "\"out\""), ("session.id", "\"of the span\"")])),
            Batch(Span(id, 2, parent: 1, startMs: -5, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 3, "output_tokens": 4}""")])),
            new TraceBatch
            {
                Infos =
                [
                    Info(id, experiment.ExperimentId, startMs: 7) with
                    {
                        ClientRequestId = "r-1",
                        RequestPreview = "asked",
                        Metadata = new Dictionary<string, string> { ["mlflow.trace.session"] = "told", ["mlflow.trace.sizeStats"] = """{"num_spans": 2}""" },
                        Tags = new Dictionary<string, string> { ["mlflow.traceName"] = "told name" },
                    },
                ],
            },
        ];

        foreach (var number in (int[])[first, second, third])
        {
            await Store.WriteAsync(batches[number], Cancellation);
        }

        var info = await InfoAsync(id);
        Assert.Equal(experiment.ExperimentId, info.ExperimentId);
        Assert.Equal(StartMs + 7, info.RequestTimeMs);
        Assert.Equal(100, info.DurationMs);
        Assert.Equal(TraceState.Ok, info.State);
        Assert.Equal("r-1", info.ClientRequestId);
        Assert.Equal("asked", info.RequestPreview);
        Assert.Equal("\"out\"", info.ResponsePreview);
        Assert.Equal("told", info.Metadata["mlflow.trace.session"]);
        Assert.Equal("""{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}""", info.Metadata["mlflow.trace.tokenUsage"]);
        Assert.Equal("true", info.Metadata["mlflow.trace.infoFinalized"]);
        Assert.Equal("told name", info.Tags["mlflow.traceName"]);
        Assert.Equal("TRACKING_STORE", info.Tags["mlflow.trace.spansLocation"]);
        Assert.Equal(new TraceFacts { Name = "root", InputTokens = 3, OutputTokens = 4, TotalTokens = 7, UnpricedCalls = 1, SpanCount = 2, AnnouncedSpanCount = 2 }, info.Facts);
    }

    [Theory]
    [InlineData(true, true, TraceState.Ok)]
    [InlineData(true, false, TraceState.InProgress)]
    [InlineData(false, true, TraceState.InProgress)]
    [InlineData(false, false, TraceState.Error)]
    public async Task Write_InfoWithItsSpans_EndsAsOneAfterTheOther(bool hasEnded, bool hasPreviews, TraceState state)
    {
        var experiment = await Experiments.CreateAsync($"together-{hasEnded}{hasPreviews}", null, new Dictionary<string, string>(), Cancellation);
        var (together, apart) = (await WriteAsync(isTogether: true), await WriteAsync(isTogether: false));

        Assert.Equal(Described(apart), Described(together));

        async Task<TraceInfo> WriteAsync(bool isTogether)
        {
            var id = NewOtelId();
            TraceBatch[] batches =
            [
                Batch(
                    Span(id, 1, name: "root", durationMs: hasEnded ? 300 : null, attributes: [("mlflow.spanInputs", "\"in\""), ("mlflow.spanOutputs", "\"out\"")]),
                    Span(id, 2, parent: 1, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 3, "output_tokens": 4}""")])),
                new TraceBatch
                {
                    Infos =
                    [
                        Info(id, experiment.ExperimentId, state, startMs: 7) with
                        {
                            RequestTimeMs = hasPreviews ? StartMs + 7 : 0,
                            DurationMs = hasPreviews ? 55 : null,
                            ClientRequestId = hasPreviews ? "r-2" : null,
                            RequestPreview = hasPreviews ? "asked" : null,
                            Metadata = new Dictionary<string, string> { ["mlflow.trace.tokenUsage"] = """{"input_tokens": 1, "cache_read_input_tokens": 1}""", ["mlflow.trace.sizeStats"] = """{"num_spans": 5}""" },
                            Tags = new Dictionary<string, string> { ["tag"] = "value" },
                        },
                    ],
                },
            ];
            foreach (var batch in isTogether ? [batches[0] with { Infos = batches[1].Infos }] : batches)
            {
                await Store.WriteAsync(batch, Cancellation);
            }

            return await InfoAsync(id);
        }

        static object Described(TraceInfo info) => new
        {
            info.ExperimentId,
            info.ClientRequestId,
            info.RequestTimeMs,
            info.DurationMs,
            info.State,
            info.RequestPreview,
            info.ResponsePreview,
            info.Facts,
            Metadata = string.Join('|', info.Metadata.OrderBy(pair => pair.Key)),
            Tags = string.Join('|', info.Tags.OrderBy(pair => pair.Key)).Replace(info.TraceId, "", StringComparison.Ordinal),
        };
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Write_InfoOfARunningTrace_TakesTheEndFromTheSpans(bool infoFirst)
    {
        var id = NewOtelId();
        var info = new TraceBatch { Infos = [Info(id, state: TraceState.InProgress) with { DurationMs = null }] };
        var span = Batch(Span(id, 1, status: SpanStatus.Error, durationMs: 40));

        await Store.WriteAsync(infoFirst ? info : span, Cancellation);
        await Store.WriteAsync(infoFirst ? span : info, Cancellation);

        Assert.Equal((TraceState.Error, 40), ((await InfoAsync(id)).State, (await InfoAsync(id)).DurationMs));
    }

    [Fact]
    public async Task Write_ChildBeforeRoot_IsInProgressUntilTheRootCame()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Span(id, 2, parent: 1)), Cancellation);
        Assert.Equal((TraceState.InProgress, null), ((await InfoAsync(id)).State, (await InfoAsync(id)).DurationMs));

        await Store.WriteAsync(Batch(Span(id, 1, durationMs: 300, attributes: [("mlflow.spanInputs", "\"in\"")])), Cancellation);

        var info = await InfoAsync(id);
        Assert.Equal((TraceState.Ok, 300, "\"in\""), (info.State, info.DurationMs, info.RequestPreview));
    }

    [Fact]
    public async Task Write_RunningSpanAfterItsEnd_DoesNotReviveIt()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Span(id, 1, name: "ended")), Cancellation);

        await Store.WriteAsync(Batch(Span(id, 1, name: "running", durationMs: null)), Cancellation);

        Assert.Equal("ended", Assert.Single(await Store.GetSpansAsync("tr-" + id, Cancellation)).Name);
        Assert.Equal(TraceState.Ok, (await InfoAsync(id)).State);
    }

    [Fact]
    public async Task Write_FailedSpan_TellsTypeAndMessageOfItsException()
    {
        var id = NewOtelId();
        var failed = Span(id, 2, parent: 1, status: SpanStatus.Error) with
        {
            StatusMessage = "ValueError: boom",
            Events = [new SpanEventRecord("exception", 1, [KeyValuePair.Create("exception.type", "\"ValueError\""), KeyValuePair.Create("exception.message", "\"boom\"")])],
        };
        await Store.WriteAsync(Batch(Span(id, 1), failed), Cancellation);
        Assert.Equal(("ValueError", "boom", TraceState.Ok), ((await InfoAsync(id)).Facts.ErrorType, (await InfoAsync(id)).Facts.ErrorMessage, (await InfoAsync(id)).State));

        await Store.WriteAsync(Batch(Span(id, 1, status: SpanStatus.Error) with { StatusMessage = "root failed" }), Cancellation);

        Assert.Equal((null, "root failed", TraceState.Error), ((await InfoAsync(id)).Facts.ErrorType, (await InfoAsync(id)).Facts.ErrorMessage, (await InfoAsync(id)).State));
    }

    [Fact]
    public async Task Write_UnknownExperiment_IsRefusedWholeAndAlone()
    {
        var ids = Enumerable.Range(0, 40).Select(_ => NewOtelId()).ToList();

        // Started together, so that they wait together and share transactions.
        var writes = ids.Select((id, i) => Store.WriteAsync(new TraceBatch { Spans = [Span(id, 1)], ExperimentId = i % 4 == 0 ? 999 : 0 }, Cancellation)).ToList();
        await Task.WhenAll(writes.Select(async write =>
        {
            try
            {
                await write;
            }
            catch (MlflowException e)
            {
                Assert.Equal(ErrorCode.RESOURCE_DOES_NOT_EXIST, e.ErrorCode);
            }
        }));

        Assert.Equal(10, writes.Count(write => write.IsFaulted));
        var stored = await Store.GetInfosAsync([.. ids.Select(id => "tr-" + id)], Cancellation);
        Assert.Equal(ids.Where((_, i) => i % 4 != 0).Select(id => "tr-" + id), stored.Select(info => info.TraceId));
    }

    [Fact]
    public async Task Delete_ById_RemovesTraceWithAllThatHangsOnIt()
    {
        var (kept, gone) = (NewOtelId(), NewOtelId());
        await Store.WriteAsync(Batch(Span(kept, 1), Span(gone, 1)), Cancellation);
        await Store.SetTagAsync("tr-" + gone, "k", "v", Cancellation);

        Assert.Equal(["tr-" + gone], await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + gone, "tr-nope"] }, Cancellation));

        Assert.Equal(["tr-" + kept], (await Store.GetInfosAsync(["tr-" + gone, "tr-" + kept], Cancellation)).Select(info => info.TraceId));
        Assert.Empty(await Store.GetSpansAsync("tr-" + gone, Cancellation));

        // Nothing of the old trace is left to hang on the new one.
        await Store.WriteAsync(Batch(Span(gone, 1)), Cancellation);
        Assert.DoesNotContain("k", (await InfoAsync(gone)).Tags.Keys);
    }

    [Fact]
    public async Task Delete_ByTime_TakesTheOldestFirst()
    {
        var ids = Enumerable.Range(0, 5).Select(_ => NewOtelId()).ToList();
        await Store.WriteAsync(Batch([.. ids.Select((id, i) => Span(id, 1, startMs: i * 10))]), Cancellation);

        var deleted = await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, MaxTimestampMs = StartMs + 30, MaxTraces = 2 }, Cancellation);

        Assert.Equal(ids[..2].Select(id => "tr-" + id), deleted.Order());
        Assert.Equal(ids[2..].Select(id => "tr-" + id), (await Store.GetInfosAsync([.. ids.Select(id => "tr-" + id)], Cancellation)).Select(info => info.TraceId));
    }

    [Fact]
    public async Task LinkToRun_BeyondTheMost_IsRefusedWhole()
    {
        var other = NewOtelId();
        await Store.WriteAsync(Batch(Span(other, 1)), Cancellation);
        for (var i = 0; i < ITraceStore.MaxRunsOfATrace; i++)
        {
            await Store.LinkToRunAsync(["tr-full"], $"r{i}", Cancellation);
        }

        var refused = await Assert.ThrowsAsync<MlflowException>(() => Store.LinkToRunAsync(["tr-" + other, "tr-full"], "one more", Cancellation));

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, refused.ErrorCode);
        Assert.Equal("Trace 'tr-full' cannot be linked to run 'one more': it is linked to 100 runs, the most for one trace. Group traces by a tag instead.", refused.Message);
        await Store.LinkToRunAsync(["tr-full"], "r0", Cancellation);
        Assert.Empty((await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = "run_id = 'one more'" }, Cancellation)).Traces);
    }

    [Fact]
    public async Task LinkToRun_BeforeOrAfterTheTrace_IsFoundByItsRun()
    {
        var (made, linked, early, other) = (NewOtelId(), NewOtelId(), NewOtelId(), NewOtelId());
        await Store.LinkToRunAsync(["tr-" + early], "r1", Cancellation);
        await Store.WriteAsync(Batch(Span(made, 1), Span(linked, 1, startMs: 1), Span(early, 1, startMs: 2), Span(other, 1, startMs: 3)), Cancellation);
        await Store.WriteAsync(new TraceBatch { Infos = [Info(made) with { Metadata = new Dictionary<string, string> { ["mlflow.sourceRun"] = "r1" } }] }, Cancellation);
        await Store.LinkToRunAsync(["tr-" + linked, "tr-" + early], "r1", Cancellation);
        await Store.LinkToRunAsync(["tr-" + linked], "r2", Cancellation);

        Assert.Equal(["tr-" + early, "tr-" + linked, "tr-" + made], await OfRunAsync("run_id = 'r1'"));
        Assert.Equal(["tr-" + linked], await OfRunAsync("attribute.run_id = 'r2'"));
        Assert.Equal(["tr-" + made], await OfRunAsync("run_id LIKE 'r%'"));

        await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + linked] }, Cancellation);
        await Store.WriteAsync(Batch(Span(linked, 1)), Cancellation);
        Assert.Empty(await OfRunAsync("run_id = 'r2'"));

        async Task<IEnumerable<string>> OfRunAsync(string filter) =>
            (await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation)).Traces.Select(trace => trace.TraceId);
    }

    [Fact]
    public async Task Tags_SetAndDelete_Follow()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Span(id, 1)), Cancellation);

        await Store.SetTagAsync("tr-" + id, "k", "1", Cancellation);
        await Store.SetTagAsync("tr-" + id, "k", "2", Cancellation);
        Assert.Equal("2", (await InfoAsync(id)).Tags["k"]);

        await Store.DeleteTagAsync("tr-" + id, "k", Cancellation);
        Assert.DoesNotContain("k", (await InfoAsync(id)).Tags.Keys);
        Assert.Equal(
            ErrorCode.RESOURCE_DOES_NOT_EXIST,
            (await Assert.ThrowsAsync<MlflowException>(() => Store.DeleteTagAsync("tr-" + id, "k", Cancellation))).ErrorCode);
        Assert.Equal(
            ErrorCode.RESOURCE_DOES_NOT_EXIST,
            (await Assert.ThrowsAsync<MlflowException>(() => Store.SetTagAsync("tr-nope", "k", "v", Cancellation))).ErrorCode);
    }

    private async Task<TraceInfo> InfoAsync(string otelId) => Assert.Single(await Store.GetInfosAsync(["tr-" + otelId], Cancellation));
}
