using MLflow.Server.Storage;
using MLflow.Server.Views;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every store of saved views does.</summary>
public abstract class ViewStoreConformance : IAsyncLifetime
{
    private IViewStore _views = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _views = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<IViewStore> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Save_List_Delete_KeepWhatWasSaved()
    {
        await _views.SaveAsync(View("errors", "q=status"), Cancellation);
        await _views.SaveAsync(View("日本語", "q=%27%E6%9D%B1%27") with { SavedBy = "ana" }, Cancellation);
        await _views.SaveAsync(View("errors", "q=status&sort=cost") with { SavedBy = "bo" }, Cancellation);

        Assert.Equal(
            [View("errors", "q=status&sort=cost") with { SavedBy = "bo" }, View("日本語", "q=%27%E6%9D%B1%27") with { SavedBy = "ana" }],
            await _views.ListAsync(0, Cancellation));
        Assert.Empty(await _views.ListAsync(1, Cancellation));

        await _views.DeleteAsync(0, "errors", Cancellation);
        await _views.DeleteAsync(0, "errors", Cancellation);
        Assert.Equal("日本語", Assert.Single(await _views.ListAsync(0, Cancellation)).Name);
    }

    [Theory]
    [InlineData("", "q")]
    [InlineData("  ", "q")]
    [InlineData("a\0b", "q")]
    [InlineData("a", "q\0")]
    public async Task Save_WhatIsNone_IsRefused(string name, string query)
    {
        var refused = await Assert.ThrowsAsync<MlflowException>(() => _views.SaveAsync(View(name, query), Cancellation));

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, refused.ErrorCode);
        Assert.Empty(await _views.ListAsync(0, Cancellation));
    }

    [Fact]
    public async Task Save_TooMuch_IsRefusedAndSaysTheLimit()
    {
        Assert.Contains("100", (await Assert.ThrowsAsync<MlflowException>(() => _views.SaveAsync(View(new string('a', 101), "q"), Cancellation))).Message, StringComparison.Ordinal);
        Assert.Contains("20000", (await Assert.ThrowsAsync<MlflowException>(() => _views.SaveAsync(View("a", new string('q', 20_001)), Cancellation))).Message, StringComparison.Ordinal);
        for (var i = 0; i < SavedView.MaxPerExperiment; i++)
        {
            await _views.SaveAsync(View($"view {i}", "q"), Cancellation);
        }

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, (await Assert.ThrowsAsync<MlflowException>(() => _views.SaveAsync(View("one more", "q"), Cancellation))).ErrorCode);
        await _views.SaveAsync(View("view 7", "changed"), Cancellation);
    }

    [Fact]
    public async Task Save_UnknownExperiment_IsRefused() =>
        Assert.Equal(ErrorCode.RESOURCE_DOES_NOT_EXIST, (await Assert.ThrowsAsync<MlflowException>(() => _views.SaveAsync(View("a", "q") with { ExperimentId = 99 }, Cancellation))).ErrorCode);

    private static SavedView View(string name, string query) => new() { ExperimentId = 0, Name = name, Query = query };
}
