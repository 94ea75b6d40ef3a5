using MLflow.Server.Ui.List;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class TraceListUrlTests
{
    private static readonly TraceListUrl Url = new(7) { Filter = "name = 'a&b'", Sort = "cost DESC", Columns = "time,request", Page = "p", Peek = "tr-1", IsPinned = true };

    [Fact]
    public void ToString_Everything_IsInTheAddress() =>
        Assert.Equal("experiments/7?q=name%20%3D%20%27a%26b%27&sort=cost%20DESC&cols=time%2Crequest&page=p&peek=tr-1&pin=1", Url.ToString());

    [Fact]
    public void ToString_Nothing_IsShort() => Assert.Equal("experiments/7", new TraceListUrl(7).ToString());

    [Fact]
    public void With_AnotherFilterOrderOrTime_BeginsAgain()
    {
        Assert.Equal("experiments/7?q=x&sort=cost%20DESC&cols=time%2Crequest", Url.WithFilter("x"));
        Assert.Equal("experiments/7?q=name%20%3D%20%27a%26b%27&cols=time%2Crequest", Url.WithSort(null));
        Assert.Equal("experiments/7?q=x&range=1h", (new TraceListUrl(7) { Filter = "x", From = "1", To = "2" }).WithRange("1h"));
    }

    [Fact]
    public void Parts_Form_CarriesAllButWhatItSets() => Assert.Equal([("sort", "cost DESC"), ("cols", "time,request")], Url.Parts);
}
