using MLflow.Server.Storage.Sql;
using Xunit;

namespace MLflow.Server.Tests.Storage.Sql;

public sealed class PayloadFrameTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void OwnerOf_PayloadThatIsCut_IsNone(int length) => Assert.Null(PayloadFrame.OwnerOf(PayloadFrame.Member, new byte[length]));
}
