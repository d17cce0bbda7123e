# Everything is run by `make demo` and checked by `make test`; both do their own set-up.
#
#   make demo [ARGS=--once]   the whole guide on this machine, then it stays up
#   make test                 format, vet, staticcheck, generated code, every test with the race detector
#   make build                bin/portcullis (with both authorizer packages inside), bin/local-aws, bin/demo
#   make screenshots          the pictures of docs/guide, from the guide followed by clicks in a browser
#   make bench                the figures of docs/reference/figures.md, printed anew
#   make clean                what the other targets made

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
TEMPL := $(GO) run github.com/a-h/templ/cmd/templ@v0.3.977
STATICCHECK := $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2

PACKAGES := cmd/portcullis/packages/authorizer-arm64.zip cmd/portcullis/packages/authorizer-x86_64.zip
AUTHORIZER_SOURCES := $(shell find edge aws cmd/authorizer -name '*.go' -not -name '*_test.go' -not -path 'aws/local/*') go.mod go.sum

.PHONY: demo test build packages assets generate lint check-format check-generated needs-test decision unit screenshots bench clean

demo: build
	bin/demo $(ARGS)

build: packages assets
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/portcullis ./cmd/local-aws ./cmd/demo

packages: $(PACKAGES)

cmd/portcullis/packages/authorizer-%.zip: $(AUTHORIZER_SOURCES)
	$(GO) run ./cmd/authorizer/zip -arch $* -version '$(VERSION)' -o $@

# The islands are an enhancement: without Node every page still works, plainer.
assets:
	@sh .ci/assets

generate:
	$(TEMPL) generate -path control/portal

test: needs-test check-format check-generated packages assets lint decision unit

# Fails when a statement between an event and its answer is met by no test.
decision:
	@GO=$(GO) sh .ci/decision

# checkptr is left out: the race detector switches it on, nothing of ours uses unsafe, and SQLite's translated C spends
# most of its time in it.
RACE := -race -gcflags=all=-d=checkptr=0

unit:
	PORTCULLIS_REQUIRE_POSTGRES=1 PORTCULLIS_REQUIRE_CHROMIUM=1 PORTCULLIS_REQUIRE_AWSCLI=1 PORTCULLIS_TEST_RACE=1 $(GO) test $(RACE) -timeout 20m ./...

needs-test:
	@sh .ci/needs

check-format:
	@unformatted=$$(git ls-files '*.go' | grep -v '_templ\.go$$' | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-clean: $$unformatted (run gofmt -w on them)"; exit 1; fi

# Generated code is committed so that `go build` needs no generator; this shows that it is current.
check-generated:
	@before=$$(cat $$(find control/portal -name '*_templ.go' | sort) | cksum); \
	$(TEMPL) generate -path control/portal >/dev/null 2>&1 || { echo "templ generate failed in control/portal"; exit 1; }; \
	after=$$(cat $$(find control/portal -name '*_templ.go' | sort) | cksum); \
	if [ "$$before" != "$$after" ]; then echo "control/portal: the committed *_templ.go were not current; they are now: commit them"; exit 1; fi

lint:
	$(GO) vet ./...
	$(STATICCHECK) ./...

# The pictures of docs/guide, from the guide followed by clicks.
screenshots: needs-test assets
	PORTCULLIS_SCREENSHOTS=$(CURDIR)/docs/guide/images $(GO) test -count=1 -run TestGuideByClicks/with_scripts ./cmd/demo

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./edge/... ./control/... ./cmd/...

clean:
	rm -rf bin $(PACKAGES) control/portal/islands/node_modules
	find control/portal/assets/dist -type f -not -name README -delete
