using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Access;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;
using MLflow.Server.Tests.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Ui;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Pages;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>Pages whose store holds the thread that asks it.</summary>
public sealed class ReadApartTests : BunitContext
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDatabase _database;
    private readonly SqliteTraceStore _store;
    private readonly HeldReads _held;
    private readonly HeldReads _heldHistogram;
    private readonly string _otelId = SomeTrace.NewOtelId();
    private readonly string _otherOtelId = SomeTrace.NewOtelId();

    public ReadApartTests()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        _store = new SqliteTraceStore(_database);
        (var traces, _held) = HeldReads.Of<ITraceStore>(_store, nameof(ITraceStore.GetSpansAsync));
        (var analysis, _heldHistogram) = HeldReads.Of<ITraceAnalysis>(new SqliteTraceAnalysis(_database), nameof(ITraceAnalysis.HistogramAsync));
        var caller = new CurrentCaller(null!, Services);
        caller.SetServer();
        Services.AddSingleton(TimeProvider.System).AddSingleton(new Handover(TimeProvider.System)).AddSingleton(new TraceChanges()).AddSingleton(caller).AddSingleton(traces)
            .AddSingleton(analysis).AddSingleton<IExperimentStore>(new SqliteExperimentStore(_database)).AddSingleton<IViewStore>(new SqliteViewStore(_database)).AddSingleton<IAssessmentStore>(new SqliteAssessmentStore(_database));
        JSInterop.Mode = JSRuntimeMode.Loose;
    }

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    protected override void Dispose(bool disposing)
    {
        LetGo();
        base.Dispose(disposing);
    }

    protected override async ValueTask DisposeAsyncCore()
    {
        LetGo();
        await base.DisposeAsyncCore();
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Overview_WhileToolsAreRead_IsNotHeldUp()
    {
        await WriteAsync();

        var page = Render<OverviewPage>(parameters => parameters.Add(p => p.ExperimentId, 0));

        await _held.NextAsync(Token);
        Assert.Empty(page.FindAll("h1"));
        _held.LetGo();
        await page.WaitForAssertionAsync(() => Assert.NotEmpty(page.FindAll("h1")), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task List_WhileItsTracesAreCounted_ShowsRowsAndTakesAnotherFilter()
    {
        await WriteAsync();

        var page = Render<TraceListPage>(parameters => parameters.Add(p => p.ExperimentId, 0));

        Assert.Equal(2, page.FindAll(".lrow[data-id]").Count);
        Assert.Contains("counting…", page.Find(".livebar").TextContent, StringComparison.Ordinal);
        Assert.NotNull(page.Find(".hist[aria-busy=true]"));
        var first = await _heldHistogram.NextAsync(Token);

        var navigation = Services.GetRequiredService<NavigationManager>();
        await page.InvokeAsync(() => navigation.NavigateTo(navigation.GetUriWithQueryParameter("q", "name = 'nothing'")));
        var second = await _heldHistogram.NextAsync(Token);
        Assert.Equal((true, false), (first.IsCancellationRequested, second.IsCancellationRequested));
        _heldHistogram.LetGo();
        await page.WaitForAssertionAsync(() => Assert.Contains("0 traces", page.Find(".livebar").TextContent, StringComparison.Ordinal), TimeSpan.FromMinutes(1));
        Assert.Empty(page.FindAll("[aria-busy=true]"));
    }

    [Fact]
    public async Task List_PrerenderedWhileItsTracesAreCounted_IsSentWithoutTheirNumber()
    {
        await WriteAsync();
        var clock = new FakeTimeProvider();
        var reader = new TraceListReader(_store, Services.GetRequiredService<ITraceAnalysis>(), new TraceListUrl(0), TimeWindow.Of(null, null, null, TimeProvider.System.GetUtcNow()), "");

        var figures = reader.FiguresAtOnceAsync(clock, Token);
        var read = await _heldHistogram.NextAsync(Token);
        Assert.False(figures.IsCompleted);
        clock.Advance(TraceListReader.Patience);
        Assert.Null(await figures.WaitAsync(Token));
        Assert.True(read.IsCancellationRequested);

        _heldHistogram.LetGo();
        Assert.Equal(2, (await reader.FiguresAtOnceAsync(clock, Token))!.Count);
    }

    [Fact]
    public async Task Trace_WhileItIsRead_HoldsUpNoClick()
    {
        await WriteAsync();

        var page = Render<MLflow.Server.Ui.Pages.TracePage>(parameters => parameters.Add(p => p.TraceId, "tr-" + _otelId));

        await _held.NextAsync(Token);
        Assert.Empty(page.FindAll("h1"));
        _held.LetGo();
        await page.WaitForAssertionAsync(() => Assert.NotEmpty(page.FindAll(".ttl h1")), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Peek_AnotherRowIsRestedOn_ReadsNoFurther()
    {
        await WriteAsync();
        _heldHistogram.LetGo();
        var page = Render<TraceListPage>(parameters => parameters.Add(p => p.ExperimentId, 0));
        Assert.Equal(2, page.FindAll(".lrow[data-id]").Count);

        var first = page.Find("[data-tell]").ChangeAsync(new ChangeEventArgs { Value = "hover tr-" + _otelId });
        var firstRead = await _held.NextAsync(Token);
        var second = page.Find("[data-tell]").ChangeAsync(new ChangeEventArgs { Value = "hover tr-" + _otherOtelId });
        var secondRead = await _held.NextAsync(Token);
        Assert.Equal((true, false), (firstRead.IsCancellationRequested, secondRead.IsCancellationRequested));
        await first.WaitAsync(Token);
        _held.LetGo();
        await second.WaitAsync(Token);

        Assert.Equal("tr-" + _otherOtelId, page.Find(".peek").GetAttribute("data-of"));
    }

    private void LetGo()
    {
        _held.LetGo();
        _heldHistogram.LetGo();
    }

    private async Task WriteAsync()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - SomeTrace.StartMs;
        foreach (var otelId in (string[])[_otelId, _otherOtelId])
        {
            await _store.WriteAsync(
                new TraceBatch { Infos = [SomeTrace.Info(otelId, startMs: now - 60_000)], Spans = [SomeTrace.Span(otelId, 1, name: "chat", type: "CHAT_MODEL", startMs: now - 60_000, attributes: ("mlflow.llm.model", "\"gpt-4o\""))] }, Token);
        }
    }
}
